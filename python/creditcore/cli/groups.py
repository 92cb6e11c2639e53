"""`creditcore groups`: hidden rings among the records of files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from creditcore.errors import ArgumentError


@click.command
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--key", required=True, metavar="COL", help="The column of keys.")
@click.option(
    "--identifier",
    "identifiers",
    multiple=True,
    required=True,
    metavar="TYPE=COL,...",
    help="A type of identifier and its columns, such as device=device_id; once for each type.",
)
@click.option("--time", metavar="COL", help="The column of times; without one, bursts are not seen.")
@click.option(
    "--labels", metavar="COL", help="True for confirmed fraud, false for confirmed good, else null."
)
@click.option(
    "--ring", metavar="COL", help="The confirmed ring of a confirmed fraud, else null; beside --labels."
)
@click.option("--judged-from", type=float, help="The score of a group from which it is a ring.")
@click.option("--tau", type=float, help="Days in which a tie fades by 1/e.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key of the hashes of identifiers.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the rings and what was done.")
@click.option(
    "-o",
    "--output-file",
    "path",
    type=click.Path(path_type=Path),
    help="Members of the rings, as a .parquet or .csv file.",
)
@click.option("--summary", type=click.Path(path_type=Path), help="All groups, as a .parquet or .csv file.")
@click.option("--html", type=click.Path(path_type=Path), help="A page of the most suspect rings, drawn.")
def groups(
    files: tuple[Path, ...],
    key: str,
    identifiers: tuple[str, ...],
    time: str | None,
    labels: str | None,
    ring: str | None,
    judged_from: float | None,
    tau: float | None,
    key_file: Path | None,
    threads: int | None,
    as_json: bool,
    path: Path | None,
    summary: Path | None,
    html: Path | None,
) -> None:
    """Find hidden rings among the records of FILES (Parquet, CSV, Arrow IPC).

    A ring is a reason to look at its members, not to reject them: recruited real people are common.
    """
    from creditcore._frame import write_parts
    from creditcore.cli.output import print_table
    from creditcore.linking.groups import find_groups
    from creditcore.report.files import write_whole

    config = {
        name: value for name, value in (("judged_from", judged_from), ("tau", tau)) if value is not None
    }
    found = find_groups(
        [str(file) for file in files],
        key,
        _identifiers(identifiers),
        time,
        labels,
        config,
        ring=ring,
        key_file=key_file,
        threads=threads,
    )
    for written, frame in ((path, found.members), (summary, found.all())):
        if written is not None:
            write_parts([frame.drop("dissolved_degrees", strict=False)], written)
    if html is not None:
        write_whole(html, found.to_html().encode())
    if as_json:
        print(json.dumps({"groups": found.summary.to_dicts(), "notes": found.notes}))
    elif path is None:
        shown = ("group_id", "size", "score", "span_days", "known_fraud", "benign", "benign_score", "shared")
        rows = found.summary.select(shown).head(50).rows()
        print_table(shown, [[_cell(value) for value in row] for row in rows])
    for note in found.notes:
        print(note, file=sys.stderr)
    members = len(found.members)
    told = f"{len(found):,} rings with {members:,} members, {len(found.all()):,} groups"
    print(told, file=sys.stderr)


def _identifiers(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Read `device=device_id,tablet`, once for each type."""
    read: dict[str, list[str]] = {}
    for text in texts:
        name, equals, columns = text.partition("=")
        named = [column.strip() for column in columns.split(",") if column.strip()]
        if not (equals and name.strip() and named):
            raise ArgumentError(f"`--identifier {text}`: write TYPE=COLUMN or TYPE=COLUMN,COLUMN")
        read.setdefault(name.strip(), []).extend(named)
    return read


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)
