"""`creditcore models`: what models there are, what is in them, whether they equal their library's own."""

from __future__ import annotations

import json
from pathlib import Path

import click

from creditcore.cli.output import print_table

_PATH = click.Path(path_type=Path)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group
def models() -> None:
    """Show what models there are, what is in them, and whether they are evaluated right."""


@models.command("list")
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@_as_json
def list_models(paths: tuple[Path, ...], as_json: bool) -> None:
    """List the models of PATHS: library, objective, size, what is declared.

    PATHS are folders, model files, or a fleet.toml.
    """
    from creditcore.pipeline import described
    from creditcore.report.models import list_table

    found = described(paths)
    if as_json:
        print(json.dumps({"models": found}, ensure_ascii=False, default=str))
    else:
        print_table(*list_table(found))


@models.command("inspect")
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@_as_json
def inspect(paths: tuple[Path, ...], as_json: bool) -> None:
    """Show what is in the models of PATHS: trees, features with their tests, categories, what is missing."""
    from creditcore.pipeline import described
    from creditcore.report.models import feature_table, summary

    found = described(paths)
    if as_json:
        print(json.dumps({"models": found}, ensure_ascii=False, default=str))
        return
    for model in found:
        print("\n".join(summary(model)))
        print_table(*feature_table(model))


@models.command("compile")
@click.argument("path", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="The file to write, usually named .ccf.")
@_as_json
def compile_models(path: Path, output: Path, as_json: bool) -> None:
    """Write the fleet of PATH (a folder, a fleet.toml, a model file) into one file that loads at once.

    The file holds models, declarations and calibrations, and stands wherever a folder of models may.
    """
    from creditcore.fleet import Fleet

    fleet = Fleet.load(path, margin_only=True)
    fleet.compile(output)
    written = {"file": str(output), "models": len(fleet), "bytes": output.stat().st_size}
    print(
        json.dumps(written) if as_json else f"models: {len(fleet)}, bytes: {written['bytes']}, file: {output}"
    )


@models.command("verify")
@click.argument("file", type=_PATH)
@click.argument("data", type=_PATH)
@click.option(
    "--against",
    required=True,
    type=click.Choice(["lightgbm", "xgboost", "catboost"]),
    help="The training library.",
)
@click.option(
    "--by-position", is_flag=True, help="Take features by position where the file does not name them."
)
@_as_json
def verify(file: Path, data: Path, against: str, by_position: bool, as_json: bool) -> int:
    """Compare leaves and raw outputs of the model FILE over DATA with the training library's.

    DATA are records with the model's columns: Parquet, CSV or Arrow IPC. Exit status 3 where any differ.
    """
    from creditcore.bench.verify import verify as compare
    from creditcore.report.models import verdict

    found = compare(file, against, data, by_position)
    print(json.dumps(found) if as_json else "\n".join(verdict(found)))
    return 0 if found["worst"] is None else 3
