"""The verbs, and how an error ends the program.

Comes in: the arguments. Goes out: an exit status. Holds no logic of its own.
"""

from __future__ import annotations

import sys

import typer

from creditcore.cli import bench, demo, rank
from creditcore.errors import ArgumentError, CreditcoreError

app = typer.Typer(
    help="Exact weighted credit averages and rankings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("rank")(rank.rank)
app.command("demo")(demo.demo)
app.add_typer(bench.app, name="bench")


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and stop."),
) -> None:
    """Exact weighted credit averages and rankings."""
    if version:
        from creditcore._core import __version__

        print(f"creditcore {__version__}")
        raise typer.Exit


def run() -> int:
    """Run a verb and give the exit status."""
    try:
        status = app(standalone_mode=False)
    except ArgumentError as error:
        return _fail(error, 2)
    except CreditcoreError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain once more when it closes it.
        sys.stdout = None
        return 0
    except OSError as error:
        return _fail(error, 1)
    except typer.TyperException as error:
        # Bad usage: an unknown option, a missing argument, a value of a wrong type.
        return _fail(error, 2)
    except typer.Abort:
        return _fail("interrupted", 130)
    except typer.Exit as stop:
        return stop.exit_code
    return status if isinstance(status, int) else 0


def _fail(error: object, status: int) -> int:
    print(f"creditcore: {error}", file=sys.stderr)
    return status
