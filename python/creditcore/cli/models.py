"""`creditcore models`: what models there are, what is in them, whether they equal their library's own."""

from __future__ import annotations

import json
import sys
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
    from creditcore.pipeline.pipeline import described
    from creditcore.report.models import list_table

    found = described(paths)
    if as_json:
        print(json.dumps({"models": found}, ensure_ascii=False, default=str))
    else:
        print_table(*list_table(found))


@models.command("inspect")
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@click.option("--model", "names", metavar="NAME", multiple=True, help="Of this model only; may be repeated.")
@click.option("--full", is_flag=True, help="Everything of every model, also of many.")
@_as_json
def inspect(paths: tuple[Path, ...], names: tuple[str, ...], full: bool, as_json: bool) -> None:
    """Show what is in the models of PATHS: trees, features with their tests, categories, what is missing.

    Several models get one line each; --model NAME or --full tells more.
    """
    from creditcore.pipeline.pipeline import described
    from creditcore.report.models import feature_table, picked, short_line, summary

    found = picked(described(paths), names)
    if as_json:
        print(json.dumps({"models": found}, ensure_ascii=False, default=str))
        return
    if len(found) > 1 and not names and not full:
        for model in found:
            print(short_line(model))
        print(f"{len(found):,} models; --model NAME or --full tells more", file=sys.stderr)
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
    from creditcore.fleet.fleet import Fleet

    fleet = Fleet.load(path, margin_only=True)
    fleet.compile(output)
    written = {"file": str(output), "models": len(fleet), "bytes": output.stat().st_size}
    print(
        json.dumps(written) if as_json else f"models: {len(fleet)}, bytes: {written['bytes']}, file: {output}"
    )


@models.command("verify")
@click.argument("file", metavar="FILE", type=_PATH)
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

    FILE may be a folder, a fleet.toml or a compiled fleet: every model of that library is compared, a
    compiled one with the file that it was compiled from. DATA are records with the models' columns: Parquet,
    CSV or Arrow IPC. Exit status 3 where any differ.
    """
    from creditcore.bench.verify import verify_all
    from creditcore.report.models import verdict, verdict_of_all

    found = []
    for one in verify_all(file, against, data, by_position):
        found.append(one)
        if not as_json:
            print("\n".join(verdict(one)), flush=True)
    wrong = [one for one in found if one["worst"] is not None]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else {"models": found}))
    elif len(found) > 1:
        print(verdict_of_all(found))
    return 3 if wrong else 0
