"""What stands between a delta and the state of a portfolio: gates, features, models, rules, population.

Comes in: a configuration, rows of a delta. Goes out: rows as the state keeps them (inputs, scores, decision,
`cause`), and what the gates say. Every row is made of its own columns alone, so a state that takes these rows
in any parts holds what one pass over all records gives (law 1).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from creditcore.config.config import Config
from creditcore.errors import ArgumentError, SchemaError
from creditcore.gates import gates
from creditcore.pipeline import inputs as pipeline_inputs
from creditcore.pipeline import tried
from creditcore.pipeline.pipeline import DECISIONS, SCORES, Pipeline
from creditcore.pipeline.still import Still
from creditcore.population import Population, day_of
from creditcore.portfolio import days
from creditcore.portfolio.files import write_rows
from creditcore.portfolio.network import Linked
from creditcore.sources import Records, as_paths, open_source
from creditcore.tactics.standing import COLUMNS as REVIEWED
from creditcore.tactics.standing import Reviews
from creditcore.times import read_moment

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import Source
    from creditcore.portfolio.renewal import Renewal

CAUSE, USED = "cause", "used"
"""The column that says why a record is not counted, and what it says of those that are."""
OP = "op"
TEXTS = ("decision", "rules", "reasons", *REVIEWED)
"""What is kept of decisions, lists joined by `|`."""


Types = Mapping[str, Any] | None
"""Types of columns, by name."""


@dataclass(frozen=True)
class Prepared:
    """Rows for the state.

    Attributes:
        rows: what the state takes.
        findings: of the gates, as plain records.
        quarantined: rows put aside, with their gates; None where there are none.
        latency: seconds by stage: `gates`, `score`.
        renewal: what else the delta changes; None where every row is made of its own columns.
        again: records of the state that other reviews decide otherwise, where there is no renewal.
    """

    rows: Any = field(repr=False)
    findings: list[dict[str, Any]]
    quarantined: pl.DataFrame | None = field(repr=False)
    latency: dict[str, float]
    renewal: Renewal | None = field(default=None, repr=False)
    again: pl.DataFrame | None = field(default=None, repr=False)


class PortfolioLine:
    """Gates, models, rules and population of a configuration, ready for deltas; immutable."""

    def __init__(self, config: Config, *, threads: int | None = None) -> None:
        """Read what the configuration names.

        Raises:
            SchemaError: a section that a portfolio cannot renew; what the stages raise.
        """
        self.config = config
        self.pipeline = None if config.fleet is None else Pipeline.of(config, threads=threads)
        self.linked = None if config.network is None else Linked(config, self.pipeline)
        self.population = Population(config)
        self.reviews = Reviews((), config.zone)
        self.threads = threads
        self.moves_by_day = days.moves(self)
        self.still = None
        blend = self.pipeline.blend if self.pipeline is not None and self.moving else None
        # With `fallback` the first model that has an output counts: no sum stands for the others.
        if self.pipeline is not None and blend is not None and blend.on_null != "fallback":
            self.still = Still(self.pipeline, [] if self.linked is None else self.linked.features)
        if self.linked is not None:
            plain = {*self.inputs, config.columns.key, *config.grouping_columns, *config.columns.keep}
            if shared := [name for name in self.linked.sources if name in plain]:
                told = (
                    f"column `{shared[0]}` is kept as a hash alone; give models and rankings another column"
                )
                raise config.fault(("network", "identifiers"), told)

    @property
    def moving(self) -> bool:
        """Whether records change without a row of their own: by the network, or by the day."""
        return self.linked is not None or self.moves_by_day

    def with_reviews(self, reviews: Reviews) -> PortfolioLine:
        """Give the same line with what people decided."""
        made = copy(self)
        made.reviews = reviews
        return made

    def with_threads(self, threads: int) -> PortfolioLine:
        """Give the same line for a worker beside others."""
        made = copy(self)
        made.threads = threads
        return made

    @property
    def makes(self) -> bool:
        """Whether rows are more than what the delta brings."""
        return self.pipeline is not None or self.config.population is not None

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The columns of records that models, rules and the population go by, with their roles."""
        found = {} if self.pipeline is None else pipeline_inputs.record_columns(self.pipeline)
        made = {name for name, _ in self.made}
        found = {name: role for name, role in found.items() if name not in made}
        for name in self.population.columns:
            if name not in made:
                found.setdefault(name, "key")
        return found

    @property
    def halves(self) -> tuple[list[str], list[str]]:
        """The columns that decisions go by: those that stand still, and those that a network makes."""
        from creditcore.frames import decided

        names = [] if self.pipeline is None else list(pipeline_inputs.record_columns(self.pipeline))
        moved = decided.moving(names)
        return [name for name in names if name not in moved], moved

    @cached_property
    def again(self) -> list[str] | None:
        """The columns that are read of records to be made anew; None for all of them."""
        pipeline = self.pipeline
        models = [] if pipeline is None else pipeline.fleet.told
        # A model that takes its inputs by position takes all columns.
        if self.still is None or any(one["column"] is None for model in models for one in model["features"]):
            return None
        assert pipeline is not None
        seen = list(self.inputs)
        if pipeline.schema is None:
            used = pipeline.uses
            wanted = {column for name in self.still.asked for column in used.get(name, seen)}
            wanted -= self.still.binned
            wanted |= {*self.population.columns, *(pipeline.policy.columns if pipeline.policy else ())}
            seen = [name for name in seen if name in wanted]
        columns = self.config.columns
        others = [name for name in (columns.event_time, columns.known_time) if name is not None]
        return list(dict.fromkeys([columns.key, *self.made_names, *seen, *others]))

    @property
    def kept(self) -> list[tuple[str, bool]]:
        """The columns that a state keeps for it: inputs, and what is made; and whether they are numbers."""
        inputs = [(name, role == "number") for name, role in self.inputs.items()]
        return [*inputs, *(one for one in self.made if one[0] not in self.inputs)]

    @cached_property
    def made(self) -> list[tuple[str, bool]]:
        """The columns that are made here, and whether they are numbers."""
        found: list[tuple[str, bool]] = []
        if self.linked is not None:
            found += [(name, True) for name in self.linked.features]
        if self.pipeline is not None:
            found += [(name, True) for name in SCORES] if self.pipeline.blend is not None else []
            found += [(name, False) for name in TEXTS] if self.pipeline.policy is not None else []
            found += tried.columns_of(self.pipeline)
        if self.config.population is not None:
            found.append((CAUSE, False))
        return found

    @property
    def hidden(self) -> list[str]:
        """What is made and kept beside the columns that are shown: sums of models that stand still, bins."""
        return [] if self.still is None else list(self.still.kept)

    @property
    def made_names(self) -> list[str]:
        """Everything that is made here."""
        return [*(name for name, _ in self.made), *self.hidden]

    def prepare(
        self, delta: Records, as_of: date | None, types: Types = None, *, asks: bool = True
    ) -> Prepared:
        """Hold a delta against the gates, then score, decide and count it.

        `types` are those of the state; texts of CSV files are read as these. `asks` says whether gates are.

        Raises:
            DeltaRefused: a gate refuses it.
            SchemaError, SourceError, ArgumentError, TacticError: what is wrong with its rows.
        """
        from creditcore.frames import profile

        if delta is None or (not self.makes and self.config.gates is None):
            return Prepared(delta, [], None, {})
        verdict, latency = self.judged(delta, as_of, types, asks=asks)
        began = time.monotonic()
        made = self.rows(verdict.accepted, as_of)
        if types and not profile.live(made).any():
            # Deletes need say no more than their keys.
            made = profile.filled(made, types)
        latency |= {"score": time.monotonic() - began}
        aside = verdict.quarantined if len(verdict.quarantined) else None
        return Prepared(made, [one.to_dict() for one in verdict.findings], aside, latency)

    def judged(
        self, delta: Records, as_of: date | None, types: Types = None, *, asks: bool = True
    ) -> tuple[gates.Verdict, dict[str, float]]:
        """Read a delta and hold it against the gates, if they are asked; gives what they say, and seconds."""
        began = time.monotonic()
        rows = self._read(delta, types)
        if asks:
            verdict = gates.judge(rows, self.config, as_of).require()
        else:
            verdict = gates.Verdict("accept", (), rows, rows.clear())
        return verdict, {"gates": time.monotonic() - began}

    def refuse_made(self, rows: pl.DataFrame) -> None:
        """Look for columns of records that are made here; rows that delete may have them.

        Raises:
            SchemaError: there is one.
        """
        from creditcore.frames import profile

        taken = [name for name, _ in self.made if name in rows.columns]
        if taken and profile.live(rows).any():
            raise SchemaError(f"the records have a column `{taken[0]}`, which is made here; rename it")

    def parts(self, source: Records, as_of: date | None, types: Types = None) -> Iterator[pl.DataFrame]:
        """Give a source of any size as rows for the state, part by part; gates are not asked."""
        if as_paths(source) is None:
            yield self.rows(self._read(source), as_of)
            return
        for part in self._parts(source, types):
            yield self.rows(part, as_of)

    def raw_parts(self, source: Records, types: Types, most: int) -> Iterator[pl.DataFrame]:
        """Give a source of any size as it is read, in parts of some `most` rows of files; one at least."""
        from creditcore.frames import profile

        waiting: list[pl.DataFrame] = []
        given = False
        for part in [self._read(source)] if as_paths(source) is None else self._parts(source, types):
            waiting.append(part)
            if sum(map(len, waiting)) >= most:
                yield profile.under(waiting)
                waiting, given = [], True
        if waiting or not given:
            yield profile.under(waiting)

    @contextmanager
    def source(self, records: Records, as_of: date | None, types: Types = None) -> Iterator[Source]:
        """Open records of any size as rows for the state; those of files are scored into another file."""
        if not self.makes:
            yield open_source(records)
        elif as_paths(records) is None:
            yield open_source(self.rows(self._read(records), as_of))
        else:
            from creditcore._frame import write_parts

            with TemporaryDirectory(prefix="creditcore-") as folder:
                scored = Path(folder) / "scored.parquet"
                write_parts(self.parts(records, as_of, types), scored)
                yield open_source(scored)

    def rows(self, rows: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
        """Put behind rows what is made of them; deletes get nulls."""
        from creditcore._frame import beside
        from creditcore.frames import profile

        if not self.makes or not len(rows):
            return rows
        live = profile.live(rows)
        kept = rows.filter(live)
        self.refuse_made(rows)
        made = self.made_of(kept, as_of) if len(kept) else []
        return profile.back_in_place(rows, live, beside(*made) if made else None)

    def made_again(self, rows: pl.DataFrame, old: pl.DataFrame, as_of: date | None) -> list[pl.DataFrame]:
        """Give what is made of records of the state, of whom only network features and the day are others."""
        from creditcore._frame import beside

        kept = [old.select(name for name in self.hidden if name in old.columns)] if self.hidden else []
        return self.made_of(beside(rows, *kept), as_of, again=True)

    def made_of(self, rows: pl.DataFrame, as_of: date | None, *, again: bool = False) -> list[pl.DataFrame]:
        """Give what is made of records, network features in them: scores, decisions, causes.

        `again` says that the models that stand still are in the rows as they were.

        Raises:
            ArgumentError: no `as_of` where a rule or the population goes by the day.
        """
        from creditcore._frame import beside
        from creditcore.frames.lists import joined_lists

        if as_of is None and self.moves_by_day:
            text = "rules or the population go by the day; give `as_of`, the instant that the state speaks of"
            raise ArgumentError(text)
        made: list[pl.DataFrame] = []
        if self.pipeline is not None:
            day = None if as_of is None else day_of(as_of, self.config)
            if self.still is None:
                told = tried.scored(self.pipeline, rows, day, threads=self.threads)
            elif again:
                told = self.still.again(rows, day, threads=self.threads)
            else:
                told = self.still.score(rows, day, threads=self.threads)
            made.append(joined_lists(told.drop([name for name in DECISIONS[3:] if name in told.columns])))
            if self.pipeline.policy is not None:
                made.insert(0, self.reviews.fold(told, rows[self.config.columns.key], day))
        if self.config.population is not None:
            seen = beside(rows.drop(self.hidden, strict=False), *made)
            causes = self.population.causes(seen, as_of, threads=self.threads)
            made.append(causes.fill_null(USED).to_frame())
        return made

    def _read(self, delta: Records, types: Types = None) -> pl.DataFrame:
        from creditcore._frame import to_frame
        from creditcore.frames import profile

        if as_paths(delta) is None:
            return to_frame(delta)
        return profile.under(list(self._parts(delta, types)))

    def _parts(self, source: Records, types: Types = None) -> Iterator[pl.DataFrame]:
        """Read files in the roles of the stages; text columns are typed as `creditcore score` does it."""
        from creditcore._frame import source_parts
        from creditcore.frames import profile
        from creditcore.frames.text import TEXT_ENDINGS, TextColumns

        opened = open_source(source)
        names = opened.column_names()
        roles, texts = self.inputs, TextColumns()
        for part, file, first_row in source_parts(opened, [(name, roles.get(name, "key")) for name in names]):
            part.columns = names
            if file.endswith(TEXT_ENDINGS):
                part = texts.typed(profile.to_types(part, types or {}, file, first_row), file, first_row)
            yield part


def keep_aside(rows: pl.DataFrame | None, path: Path) -> dict[str, Any] | None:
    """Write rows that gates put aside, on the disk when it returns; gives the file."""
    return None if rows is None else write_rows(rows, path)


def moment_of(told: str | None) -> datetime | None:
    """Give the instant that the catalog tells."""
    return None if told is None else datetime.fromisoformat(told)


def instant(told: str | None, config: Config, option: str = "--as-of") -> date | None:
    """Read an instant or a day as a user writes it (ISO 8601); naive ones are of the configuration's zone.

    Raises:
        ArgumentError: a text that is neither.
    """
    if told is None:
        return None
    moment = read_moment(told, option)
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=config.zone)
