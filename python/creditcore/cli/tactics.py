"""`creditcore tactics`: rules as files: checked, run over records, described."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from creditcore.cli.options import progress_to_stderr

_PATH = click.Path(path_type=Path)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_as_of = click.option("--as-of", metavar="DAY", help="The day; today without it.")


@click.group
def tactics() -> None:
    """Check policies, and decide records by their rules."""


@tactics.command("check")
@click.argument("policy", type=_PATH)
@click.option(
    "--schema", type=_PATH, help="A schema (.yaml), or records (.parquet, .csv): the columns there are."
)
@click.option("--also", metavar="COLS", default="", help="Further columns, split at commas.")
@_as_of
@_as_json
def check(policy: Path, schema: Path | None, also: str, as_of: str | None, as_json: bool) -> int:
    """Look for what is wrong with POLICY. Exit status 3 where anything is."""
    from creditcore.tactics.data import check_file

    names = [name.strip() for name in also.split(",") if name.strip()]
    found = check_file(policy, schema, also=names, as_of=as_of)
    if as_json:
        print(json.dumps({"findings": [one.to_dict() for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            print(f"{one.level}: {one}")
        print(f"{policy}: {len(found) or 'no'} finding{'' if len(found) == 1 else 's'}", file=sys.stderr)
    return 3 if found else 0


@tactics.command("decide")
@click.argument("policy", type=_PATH)
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output-file", "path", required=True, type=_PATH, help="A .parquet or .csv file.")
@click.option("--keep", metavar="COLS", help="Columns to keep, split at commas; all without it.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", help="Of the reasons.")
@click.option("--shadow", is_flag=True, help="Tell the shadow rules that hit.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
@_as_of
@_as_json
def decide(
    policy: Path,
    files: tuple[Path, ...],
    path: Path,
    keep: str | None,
    language: str,
    shadow: bool,
    encoding: str | None,
    threads: int | None,
    as_of: str | None,
    as_json: bool,
) -> None:
    """Decide the records of FILES (Parquet, CSV, Arrow IPC) by POLICY."""
    from creditcore.tactics.policy import Policy

    kept = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    with progress_to_stderr() as progress:
        counts = Policy.load(policy).write(
            [str(file) for file in files],
            path,
            keep=kept,
            encoding=encoding,
            as_of=as_of,
            language=language,
            shadow=shadow,
            threads=threads,
            progress=progress,
        )
    if as_json:
        print(json.dumps(counts))
    else:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        print(f"{path}: {told}", file=sys.stderr)


@tactics.command("trace")
@click.argument("policy", type=_PATH)
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("--where", required=True, metavar="CONDITION", help="The first record of which it holds.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", help="Of the reasons.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@_as_of
@_as_json
def trace(
    policy: Path,
    files: tuple[Path, ...],
    where: str,
    language: str,
    encoding: str | None,
    as_of: str | None,
    as_json: bool,
) -> None:
    """Tell what every rule of POLICY says of one record of FILES, and the values that it saw."""
    from creditcore.cli.output import print_table
    from creditcore.report.trace import trace_table
    from creditcore.tactics.decisions import trace_file
    from creditcore.tactics.policy import Policy

    made = trace_file(
        Policy.load(policy),
        [str(file) for file in files],
        where,
        as_of=as_of,
        language=language,
        encoding=encoding,
    )
    if as_json:
        print(json.dumps(made, ensure_ascii=False, default=str))
        return
    print(f"{made['file']}, row {made['row']}: {made['decision']}")
    print_table(*trace_table(made["trace"]))


@tactics.command("sql")
@click.argument("policy", type=_PATH)
@click.option("--dialect", type=click.Choice(["duckdb", "spark"]), required=True, help="The engine.")
@click.option("--schema", type=_PATH, help="A schema (.yaml), or records: the types of columns.")
@click.option("--table", default="records", help="The table's name, as it stands in the query.")
@_as_json
def sql(policy: Path, dialect: str, schema: Path | None, table: str, as_json: bool) -> None:
    """Print each rule of POLICY as a query of the records that it hits when it is asked alone."""
    from creditcore.tactics.data import columns_of_file
    from creditcore.tactics.policy import Policy

    types = None if schema is None else columns_of_file(schema)
    queries = Policy.load(policy).to_sql(dialect, types, table=table)
    if as_json:
        print(json.dumps(queries, ensure_ascii=False))
    else:
        for name, query in queries.items():
            print(f"-- {name}\n{query};")


@tactics.command("backtest")
@click.argument("policy", type=_PATH)
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option(
    "--label",
    required=True,
    help="The column of outcomes: 1 or true is bad, 0 or false good, null not known; words with --bad.",
)
@click.option("--bad", metavar="VALUE", help="The outcome that is bad, where outcomes are words.")
@click.option(
    "--good",
    metavar="VALUE",
    help="The outcome that is good; all others are not known then. The only other word without it.",
)
@click.option("--amount", help="A column of amounts.")
@click.option("--period", metavar="COLUMN", help="A column of periods, or of days: see --per.")
@click.option(
    "--per",
    type=click.Choice(["year", "quarter", "month", "week", "day"]),
    help="By what the days of --period count; by month without it. Text is taken as it is without it.",
)
@click.option("--mature", help="A condition: where it does not hold, outcomes are not known yet.")
@click.option("--against", type=_PATH, help="The live policy.")
@click.option("-o", "--output-file", "path", type=_PATH, help="A .json, .parquet, .csv or .html file.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
@_as_of
@_as_json
def backtest(
    policy: Path,
    files: tuple[Path, ...],
    label: str,
    bad: str | None,
    good: str | None,
    amount: str | None,
    period: str | None,
    per: str | None,
    mature: str | None,
    against: Path | None,
    path: Path | None,
    encoding: str | None,
    threads: int | None,
    as_of: str | None,
    as_json: bool,
) -> None:
    """Run POLICY over history in FILES, with what became of the records."""
    from creditcore.cli.output import print_table
    from creditcore.report.backtest import decision_table, rule_table, swap_table
    from creditcore.tactics.policy import Policy

    with progress_to_stderr() as progress:
        made = Policy.load(policy).backtest(
            [str(file) for file in files],
            label,
            amount=amount,
            period=period,
            per=per,
            bad=bad,
            good=good,
            mature=mature,
            against=None if against is None else Policy.load(against),
            as_of=as_of,
            encoding=encoding,
            threads=threads,
            progress=progress,
        )
    if path is not None:
        made.write(path)
    if as_json:
        print(json.dumps(made.to_dict(), ensure_ascii=False))
    elif path is None:
        tables = [decision_table(made), rule_table(made)]
        for titles, rows in [*tables, swap_table(made)] if made.swaps else tables:
            print_table(titles, rows)
    if made.never:
        print(f"rules that hit no record: {', '.join(made.never)}", file=sys.stderr)


@tactics.command("schema")
def schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    from creditcore.tactics.data import json_schema

    print(json.dumps(json_schema(), ensure_ascii=False, indent=2))
