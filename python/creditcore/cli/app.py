"""The verbs, and how an error ends the program.

Comes in: the arguments. Goes out: an exit status. Holds no logic of its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from creditcore.errors import ArgumentError, CreditcoreError, DeltaRefused

# In the order in which the help lists them; each is the command of that name in the file of that name.
VERBS = (
    "config",
    "fit",
    "run",
    "init",
    "ingest",
    "refresh",
    "review",
    "show",
    "explain",
    "audit",
    "history",
    "reconfigure",
    "compact",
    "erase",
    "retain",
    "doctor",
    "watch",
    "models",
    "score",
    "groups",
    "tactics",
    "rank",
    "sensitivity",
    "release",
    "report",
    "demo",
    "bench",
)


class Verbs(click.Group):
    """Loads a verb's file when the verb is called, and all of them for the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the verbs' names."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one verb."""
        if cmd_name not in VERBS:
            return None
        command = getattr(import_module(f"creditcore.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from creditcore._core import __version__

        click.echo(f"creditcore {__version__}")
        context.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and stop.",
)
def app() -> None:
    """Evaluate models and rules over credit records, find hidden groups, rank regions."""


def run() -> int:
    """Run a verb and give the exit status."""
    try:
        return _run()
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain once more when it closes it.
        sys.stdout = None
        return 0


def _run() -> int:
    try:
        status = app(standalone_mode=False)
    except ArgumentError as error:
        return _fail(error, 2)
    except DeltaRefused as error:
        return _fail(error, 3)
    except CreditcoreError as error:
        return _fail(error, 1)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(error, 1)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.ctx.get_help())
        return 2
    except click.ClickException as error:
        # Bad usage: an unknown option, a missing argument, a value of a wrong type.
        return _fail(error.format_message(), 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    return status if isinstance(status, int) else 0


def _fail(error: object, status: int) -> int:
    print(f"creditcore: {error}", file=sys.stderr)
    return status
