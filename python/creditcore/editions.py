"""What a report says, gathered from rankings.

Comes in: rankings, records to read again for the distribution. Goes out: an `Edition` of plain records.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor, log10, sqrt
from typing import TYPE_CHECKING, Any

from creditcore import regions as region_tables
from creditcore.aggregation import aggregate
from creditcore.errors import ArgumentError
from creditcore.report.edition import Edition, Shares
from creditcore.report.ranking import to_csv
from creditcore.report.words import REASONS, Pair
from creditcore.sources import Records, as_paths

if TYPE_CHECKING:
    from creditcore.ranking.ranking import Ranking

STATUSES = ("not_official", "synthetic")
SPREAD = (-0.8416, -0.2533, 0.2533, 0.8416)
"""Standard deviations at which a normal distribution falls into fifths."""


def edition(
    rankings: Mapping[str, Ranking],
    regions: str | os.PathLike[str] | None,
    *,
    title: str | Pair | None,
    population: str | Pair | None,
    as_of: str | None,
    status: str,
    shares: Shares | None,
    files: Sequence[str],
    command: str | None,
) -> Edition:
    """Gather what rankings of the same records say; the first is the main one.

    Raises:
        ArgumentError: no ranking, or a status that is none.
    """
    from creditcore import __version__

    if not rankings:
        raise ArgumentError("a report needs a ranking; give at least one")
    check_status(status)
    main = next(iter(rankings.values()))
    rows = main.rows()
    known = [] if regions is None or regions == "none" else region_tables.attributes(regions)
    names = {told["code"]: name_of(told) for told in known}
    # Beyond 2,000 ranked rows places are not known.
    rules = main._rules
    least = 0 if rules is None else rules.min_shown
    placed = [row["code"] for row in rows if row["rank_lo"] is not None]
    own = main.marginal_places() if placed else []
    return Edition(
        by=main.by,
        plan=main._plan,
        tables={name: ranking.rows() for name, ranking in rankings.items()},
        records=main.records,
        excluded=main.excluded,
        status=status,
        title=as_pair(title),
        population=as_pair(population),
        as_of=as_of,
        confidence=main._core.confidence()[0],
        min_n=main._min_n,
        unresolved=[told for told in main.unresolved if told[2] >= least],
        without_data=[(code, names.get(code, (name, name))) for code, name in main.without_data],
        names=names,
        tiles=tiles_of(known),
        own_places={row["code"]: at for row, at in zip(rows, own, strict=False) if at is not None},
        same={code: main.not_distinguishable(code) or () for code in placed},
        reasons={code: REASONS[why] for code, _, why in main.suppressed},
        rules={} if rules is None else rules.as_record(),
        shares=None if shares is None else _shown(shares, rankings),
        csv=to_csv(rows),
        files=files,
        command=command,
        version=__version__,
    )


def check_status(status: str) -> None:
    """Refuse a status that is none.

    Raises:
        ArgumentError: it is none.
    """
    if status not in STATUSES:
        raise ArgumentError(f"`status` is `{status}`; allowed are {', '.join(STATUSES)}")


def as_pair(told: str | Pair | None) -> Pair | None:
    """Give a text in both languages."""
    return (told, told) if isinstance(told, str) else told


def _shown(shares: Shares, rankings: Mapping[str, Ranking]) -> Shares:
    """Keep the shares of rows that have a rank, where rules say what may be shown."""
    if next(iter(rankings.values()))._rules is None:
        return shares
    ranked = {
        (level, row["code"])
        for level, ranking in rankings.items()
        for row in ranking.rows()
        if row["rank"] is not None
    }
    return Shares(shares.cuts, {key: parts for key, parts in shares.rows.items() if key in ranked})


def name_of(told: Mapping[str, str]) -> Pair:
    """Give the names of a region as its table tells it."""
    name = told.get("name") or told["code"]
    return name, told.get("name_zh") or name


def tiles_of(known: Sequence[Mapping[str, str]]) -> dict[str, tuple[int, int]]:
    """Give the columns and lines of the map's tiles, from 0, where the region table has them."""
    return {
        told["code"]: (int(told["tile_col"]), int(told["tile_row"]))
        for told in known
        if told.get("tile_col") and told.get("tile_row")
    }


def shares(
    source: Records,
    rankings: Mapping[str, Ranking],
    score: str | None,
    weight: str | None,
    cuts: Sequence[float] | None,
    options: Mapping[str, Any],
) -> Shares | None:
    """Give the shares of five bands: one pass over the records for each cut, exact as every share.

    Args:
        source: the records, which are read again.
        rankings: of the same records.
        score: the column that is averaged.
        weight: the column of weights.
        cuts: four rising scores; None for round numbers near the fifths of all, empty for no shares.
        options: the other arguments of the rankings.

    Raises:
        ArgumentError: cuts that do not rise, or are not four.
    """
    if cuts is None:
        # A stream is gone once it was read; files and frames are not.
        again = as_paths(source) is not None or hasattr(source, "__len__")
        cuts = usual_cuts(rankings) if again else ()
    if not cuts:
        return None
    if list(cuts) != sorted(set(cuts)) or len(cuts) != len(SPREAD):
        raise ArgumentError(
            f"`cuts` are {', '.join(f'{cut:g}' for cut in cuts)}; give {len(SPREAD)} rising scores"
        )
    levels = [name for name in rankings if name in (next(iter(rankings)), "province", "nation")]
    above: dict[tuple[str, str], list[float]] = {}
    for cut in cuts:
        sums = aggregate(source, levels, score, weight, share_above=cut, **options)
        for level in levels:
            for row in sums.rank(level).rows():
                if row["mean"] is not None:
                    above.setdefault((level, row["code"]), []).append(row["mean"])
    ends = {key: [1.0, *higher, 0.0] for key, higher in above.items()}
    return Shares(list(cuts), {key: [low - high for low, high in pairwise(at)] for key, at in ends.items()})


def usual_cuts(rankings: Mapping[str, Ranking]) -> Sequence[float]:
    """Give round numbers near the fifths of all, were scores normal; empty without a mean of all."""
    rows = rankings["nation"].rows() if "nation" in rankings else []
    if len(rows) != 1 or not rows[0]["se"] or not rows[0]["n_eff"]:
        return ()
    deviation = rows[0]["se"] * sqrt(rows[0]["n_eff"])
    step = 10.0 ** floor(log10(deviation / 2))
    step *= 5 if deviation / 2 / step >= 5 else 1
    cuts = [round((rows[0]["mean"] + part * deviation) / step) * step for part in SPREAD]
    return cuts if cuts == sorted(set(cuts)) else ()


def command(files: Sequence[str], options: Mapping[str, Any]) -> str | None:
    """Write the command whose CSV has the bytes of the report's; None where no words tell of it.

    Args:
        files: names of the files.
        options: the arguments by name; what is the default or nothing is left out.
    """
    # What is hidden depends on all that is published together: the report's own CSV is asked for.
    verb = "rank" if options["publish"] is None else "report"
    words = ["creditcore", verb, *files, "--by", str(options["by"])]
    defaults = {"pick": "latest", "time": "event_time", "min_n": 1, "regions": "china"}
    for name in (
        *("score", "weight", "region", "unit", "pick", "time", "kind", "regions"),
        *("share_above", "ratio", "bands", "min_n", "publish", "encoding", "cluster"),
    ):
        value = options[name]
        if value is None or value == defaults.get(name) or (name == "score" and options["ratio"]):
            continue
        if name == "bands":
            for column, edges in value.items():
                words += ["--bands", f"{column}={','.join(map(str, edges))}"]
            continue
        text = "/".join(value) if name == "ratio" else str(value)
        if name in ("publish", "regions"):
            text = os.path.basename(text)
        words += [f"--{name.replace('_', '-')}", text]
    margins = options["margins"]
    several = margins if isinstance(margins, list | tuple) else [] if margins is None else [margins]
    for margin in several:
        if not isinstance(margin, str | os.PathLike):
            return None
        words += ["--margins", os.path.basename(margin)]
    return shlex.join([*words, "-o", f"{options['by']}.csv"])
