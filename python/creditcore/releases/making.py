"""What a release is made of: rankings, method, population, and the sums that tell it from other releases.

Comes in: a release's configuration. Goes out: `Made`, and its files. Equal records and configurations give
equal bytes; files under `private/` serve comparisons and are not for publication.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import creditcore as cc
from creditcore import regions as region_tables
from creditcore.aggregation import Aggregate, aggregate
from creditcore.errors import ArgumentError, SchemaError, SourceError
from creditcore.ranking import publishing
from creditcore.ranking.detail import with_detail
from creditcore.ranking.publishing import PublishRules
from creditcore.ranking.ranking import Ranking
from creditcore.ranking.weighing import with_coverage
from creditcore.releases.apart import Used, used_units
from creditcore.releases.records import released_records


@dataclass(frozen=True)
class Made:
    """A release before it is kept."""

    rankings: dict[str, Ranking]
    sums: Aggregate
    used: Used
    score_version: str | None
    method: dict[str, Any]
    population: dict[str, Any]
    as_of: str


def make(configuration: dict[str, Any], as_of: str, salt: bytes) -> Made:
    """Rank the records of a configuration.

    Raises:
        ArgumentError: two score versions, or a population statement that is none.
        Whatever `creditcore.rank` raises.
    """
    rules = publishing.load(configuration["publish"])
    assert rules is not None
    records = released_records(configuration, as_of)
    opened = records.opened()
    versioned = "score_version" in opened.column_names()
    names = [name for name in configuration["by"] if name != "score_version"]
    sums = aggregate(
        records.source,
        [*names, "score_version"] if versioned else names,
        **records.options,
        largest_weights=rules.dominance is not None,
    )
    version = _version(sums, configuration.get("score_version"), versioned)
    min_n = int(configuration.get("min_n", 1))
    table = region_tables.load(configuration.get("regions", "china"))
    rankings = with_detail(
        {name: sums.rank(name, min_n, rules) for name in names},
        sums,
        opened,
        table,
        configuration.get("cluster"),
        configuration.get("quantiles"),
        configuration.get("grades"),
    )
    if records.causes:
        rankings = {name: ranking.with_causes(lambda: records.causes) for name, ranking in rankings.items()}
    if records.weighed is not None:
        weighed = records.weighed
        rankings = {name: with_coverage(ranking, weighed) for name, ranking in rankings.items()}
    hidden = {name: [row[0] for row in ranking.suppressed] for name, ranking in rankings.items()}
    used = used_units(sums, opened, table, hidden, salt)
    told = {
        "method": _method(rankings, rules, configuration),
        "population": _counted(rankings, configuration),
    }
    return Made(rankings, sums, used, version, as_of=as_of, **told)


def _counted(rankings: dict[str, Ranking], configuration: dict[str, Any]) -> dict[str, Any]:
    """Say who is in a release: the statement, and records in = used + excluded."""
    first = next(iter(rankings.values()))
    used = first.records - sum(first.excluded.values())
    counts = {"records": first.records, "used": used, "excluded": first.excluded}
    return dict(configuration.get("population", {})) | counts


def _method(
    rankings: dict[str, Ranking], rules: PublishRules, configuration: dict[str, Any]
) -> dict[str, Any]:
    cluster = configuration.get("cluster")
    formula = "sqrt(n/(n-1) * sum(w^2 (x-m)^2)) / sum(w)"
    by_cluster = "sqrt(C/(C-1) * sum over C clusters of (sum of w (x-m))^2) / sum(w)"
    return {
        "headings": {name: ranking.heading for name, ranking in rankings.items()},
        "suppressed": {name: ranking.suppressed for name, ranking in rankings.items()},
        "rules": rules.as_record(),
        "standard_error": formula if cluster is None else by_cluster,
        "confidence": 0.95,
    }


def write_files(folder: Path, made: Made) -> dict[str, str]:
    """Write a release's files into a new folder, and give their SHA-256 by name."""
    from creditcore._frame import write_parquet
    from creditcore.report.ranking import to_csv

    (folder / "private").mkdir(parents=True)
    rows = [row for ranking in made.rankings.values() for row in ranking.rows()]
    (folder / "ranking.csv").write_bytes(to_csv(rows))
    with (folder / "ranking.parquet").open("wb") as file:
        write_parquet([ranking.to_polars() for ranking in made.rankings.values()], file)
    told = {
        "as_of": made.as_of,
        "score_version": made.score_version,
        "method": made.method,
        "population": made.population,
    }
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (folder / "release.json").write_text(text, encoding="utf-8")
    (folder / "private" / "sums.ccagg").write_bytes(made.sums.to_bytes())
    made.used.write(folder / "private")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in paths}


def _version(sums: Aggregate, told: str | None, versioned: bool) -> str | None:
    if not versioned:
        return told
    ranking = sums.rank("score_version")
    found = [str(row["code"]) for row in ranking.rows()]
    if len(found) > 1 or ranking.excluded.get("null_score_version"):
        listed = ", ".join(f"`{version}`" for version in found[:5])
        raise SchemaError(
            f"column `score_version` holds {listed}{' and nulls' if len(found) < 2 else ''}; "
            "a mean over two score versions is refused: "
            "keep the records of one"
        )
    if told is not None and found and found != [told]:
        raise ArgumentError(f"`score_version` is `{told}`, but the records are of `{found[0]}`")
    return found[0] if found else told


def code_versions() -> dict[str, str]:
    """Name the versions that a release's bytes depend on."""
    from importlib.metadata import version

    return {"creditcore": cc.__version__, "polars": version("polars")}


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha256(path: Path) -> str:
    """Give the SHA-256 of a file, or of the names and files of a folder.

    Raises:
        SourceError: nothing there.
    """
    if path.is_file():
        return file_sha256(path)
    if not path.is_dir():
        raise SourceError(f"`{path}`: there is no such file or folder; a release names its inputs one by one")
    whole = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{file_sha256(file)}\n".encode())
    return whole.hexdigest()
