"""Policies: rules that an analyst writes as SQL conditions, run over everything.

Comes in: a policy (a YAML file), records with features and scores. Goes out: for each record a decision, the
rules that hit, their reasons and effects. docs/tactics.md tells the whole, docs/formats/policy.md the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.documents import DocumentError, Places, read_placed_yaml
from creditcore.errors import SchemaError, TacticError
from creditcore.features import Schema
from creditcore.sources import Records, as_paths, open_source
from creditcore.tactics.data import (
    Finding,
    day_number,
    known_columns,
    plain,
    today,
    unreadable,
    zone_of,
)
from creditcore.tactics.faults import Faults
from creditcore.tactics.parts import hash_key, read_lists, with_tables

if TYPE_CHECKING:
    import polars as pl

    from creditcore.tactics.backtests import Backtest


class Policy:
    """Tactics of rules; immutable, and safe to use from many threads.

    >>> import creditcore as cc
    >>> rule = {"id": "young", "when": "age < 18", "action": "reject", "on_null": "review"}
    >>> policy = cc.Policy({"tactics": [{"id": "entry", "rules": [rule]}]})
    >>> policy.decide({"age": [17, 40, None]})["decision"].to_list()
    ['reject', 'pass', 'review']
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Make a policy of plain data, with the keys of docs/formats/policy.md.

        Raises:
            TacticError: whatever is wrong with it.
        """
        self._read(told, "policy", None)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy from a YAML file.

        Raises:
            TacticError: a file that cannot be read, or what is wrong with it: unknown keys, doubled ids, a
                missing `on_null`, conditions that cannot be read, failing tests; with file, line, column, a
                caret and a hint. `findings` of the error holds everything that is wrong.
        """
        policy = cls.__new__(cls)
        try:
            told, places = read_placed_yaml(path)
        except DocumentError as error:
            raise unreadable(error, os.fspath(path)) from error
        except SchemaError as error:
            raise TacticError(str(error)) from error
        policy._read(told, os.fspath(path), places, Path(path).parent)
        return policy

    def _read(self, told: Any, place: str, places: Places | None, folder: Path = Path()) -> None:
        self._place, self._faults = place, Faults(place, places)
        lists = read_lists(told, folder, place)
        key = hash_key(told, folder, place, needed=any(hashed for *_, hashed in lists))
        try:
            text = json.dumps(plain(with_tables(told, folder, place), zone=zone_of(told)), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise TacticError(f"`{place}`: not a policy: {error}") from error
        self._parts = text, lists, key
        core, found = _core.read_policy(text, lists, key)
        self._faults.refuse(found)
        if core is None:
            raise TacticError(f"`{place}`: not a policy")
        self._core = core
        self._faults.refuse(core.failing())

    def require(self, names: Sequence[str]) -> None:
        """Refuse records whose columns, by their names, lack some that rules name.

        Raises:
            TacticError: every unknown column, with file, line, column, a caret and a hint.
        """
        self._faults.refuse(self._core.unfit([(name, "") for name in names]))

    def _placed(self, error: TacticError, source: _core.Source) -> TacticError:
        """Give an error of a rule's condition with its place in the policy's file."""
        self.require(source.column_names())
        return self._faults.of_rule(error, self._core)

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules in file order: id, tactic, when, action, reasons, on_null, owner, mode, columns."""
        return [{key: value for key, value in rule.items() if key != "path"} for rule in self._core.rules()]

    @property
    def columns(self) -> list[str]:
        """The columns that rules name, in file order."""
        return self._core.columns()

    @property
    def time_zone(self) -> str | None:
        """The zone of the clock that days and hours are read from; None for UTC."""
        return self._core.time_zone()

    def check(
        self,
        schema: Schema | Records | None = None,
        *,
        also: Sequence[str] = (),
        as_of: date | str | None = None,
    ) -> list[Finding]:
        """Look for what is wrong with the policy.

        Args:
            schema: the columns that rules may name: a `Schema` (its features and sources, and the columns of
                a score), a mapping of names to types (`boolean`, `integer`, `double`, `text`, `date`,
                `timestamp`), a list of names, or records. Without it columns are not checked.
            also: further columns, such as the outputs of models.
            as_of: the day against which the last days of rules are held; today (UTC) by default.

        Returns:
            Findings in file order; empty where nothing is wrong.

        Raises:
            ArgumentError: a schema that is none of these.
        """
        columns = None if schema is None else [*known_columns(schema), *((name, "") for name in also)]
        found = self._core.check(columns, day=day_number(as_of or self._today()))
        return [self._faults.finding(one) for one in found]

    def decide(
        self,
        frame: Records,
        *,
        as_of: date | str | None = None,
        language: str = "en",
        shadow: bool = False,
        categories: bool = False,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Decide records.

        Args:
            frame: a frame, or paths of files, with every column that rules name.
            as_of: the day of the decisions, for rules that are in force on some days only; where there are
                such, today (UTC) by default. Give it wherever a decision must be repeatable.
            language: of the reasons: `"en"` or `"zh"`.
            shadow: adds the column `shadow`: the ids of shadow rules that hit.
            categories: gives ids and reasons as categories: 8 bytes a hit instead of 32, and faster.
            threads: how many to use; by default one for each processor. Changes nothing in the result.
            progress: called with the number of records read so far, at most ten times a second.

        Returns:
            A row for each record in their order: `decision` (`reject`, `review` or `pass`), `rules` (ids of
            the live rules that hit, in file order), `reasons` (their texts), `effect` (what they do to
            points, as `score` takes it; null where nothing), `errors` (what failed, by rule).

        Raises:
            TacticError: a column that is not there, types that do not fit, with the rule.
            SchemaError: a column of a type that an expression cannot read.
            SourceError: records that cannot be read.
            ArgumentError: another language, a day that is none.
        """
        from creditcore._frame import to_polars

        source, day = self._open(frame), self._decision_day(as_of)
        try:
            decided = self._core.decide(
                source,
                day=day,
                language=language,
                shadow=shadow,
                categories=categories,
                threads=threads,
                progress=progress,
            )
        except TacticError as error:
            raise self._placed(error, source) from None
        return to_polars(decided)

    def tally(
        self,
        frame: Records,
        *,
        as_of: date | str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Count decisions and hits, without a row for each record.

        Args:
            frame, as_of, threads, progress: as in `decide`.

        Returns:
            `records`, `reject`, `review`, `pass`, and `hits` and `errors` by rule, live and shadow, in file
            order.

        Memory: some masks for each thread, whatever the number of records.

        Raises:
            As `decide`.
        """
        source, day = self._open(frame), self._decision_day(as_of)
        try:
            told = self._core.tally(source, day=day, threads=threads, progress=progress)
        except TacticError as error:
            raise self._placed(error, source) from None
        records, reject, review, hits, errors = told
        ids = [rule["id"] for rule in self._core.rules()]
        return {
            "records": records,
            "reject": reject,
            "review": review,
            "pass": records - reject - review,
            "hits": dict(zip(ids, hits, strict=True)),
            "errors": dict(zip(ids, errors, strict=True)),
        }

    def write(
        self,
        source: Any,
        path: str | os.PathLike[str],
        *,
        keep: Sequence[str] | None = None,
        encoding: str | None = None,
        as_of: date | str | None = None,
        language: str = "en",
        shadow: bool = False,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, int]:
        """Decide the records of files into a file, part by part.

        Args:
            source: Parquet, CSV (gzip too) or Arrow IPC files.
            path: a `.parquet` or `.csv` file; it is there as a whole or not at all. In CSV lists are joined
                by `|`.
            keep: columns of the records to write before the decisions; by default all.
            encoding: of CSV text.
            as_of, language, shadow, threads, progress: as in `decide`.

        Returns:
            How many records there are, and how many of each decision and with errors.

        Memory: some 100,000 records with their decisions.

        Raises:
            As `decide`, and ArgumentError for another ending.
        """
        from creditcore.tactics.decisions import write

        return write(self, source, path, keep, encoding, as_of, language, shadow, threads, progress)

    def backtest(
        self,
        history: Records,
        label: str,
        *,
        amount: str | None = None,
        period: str | None = None,
        per: str | None = None,
        bad: str | None = None,
        good: str | None = None,
        mature: str | None = None,
        against: Policy | None = None,
        as_of: date | str | None = None,
        encoding: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Backtest:
        """Run the policy over history, with what became of the records.

        Args:
            history: records with every column that rules name.
            label: the column of outcomes: 1 or true is bad, 0 or false good, null not known (yet).
            amount: a column of amounts; a null is 0.
            period: a column of periods: texts and whole numbers as they are, days and times by month.
            per: counts days and times (of a text, its first ten characters) by `year`, `quarter`, `month`,
                `week` (named by its Monday) or `day`.
            bad: the value of `label` that is bad, where outcomes are words.
            good: the one that is good; all others are not known then. Without it the only other word.
            mature: a condition: where it does not hold, an outcome is not known yet.
            against: the live policy, for swap sets.
            encoding: of CSV text.
            as_of, threads, progress: as in `decide`.

        Returns:
            A `Backtest`. Records without a known outcome are counted apart, and what hangs on them is given
            with its bounds. Amounts are counted in units of 2^-20, exactly.

        Raises:
            As `decide`, and ArgumentError for a label other than 0, 1 and null, with the row.
        """
        from creditcore.tactics.backtests import check_asked, made

        source = self._open(history, encoding)
        check_asked(source.column_names(), label, amount, period, per, bad, good)
        if against is not None:
            against.require(source.column_names())
        try:
            told = self._core.backtest(
                source,
                label,
                amount,
                period,
                mature,
                None if against is None else against._core,
                words=None if bad is None else (bad, good),
                per=per,
                day=day_number(as_of or self._today()),
                threads=threads,
                progress=progress,
            )
        except TacticError as error:
            raise self._placed(error, source) from None
        name = None if against is None else against._place
        return made(told, self._core.rules(), self._place, name, label, amount)

    def trace(self, record: Mapping[str, Any] | Records) -> list[dict[str, Any]]:
        """Tell what every rule says of one record, and the values that it saw.

        Args:
            record: a value for each column, or a frame of one record, whose types are kept.

        Returns:
            A record for each rule in file order: `id`, `tactic`, `when`, `action`, `mode`, `truth` (None is
            unknown), `hit`, `values` (by column), `errors`. Rules are asked one by one: what a reject before
            them would end is asked too.

        Raises:
            As `decide`, and ArgumentError for a frame of more or fewer records than one.
        """
        from creditcore.tactics.decisions import trace

        return trace(self, record)

    def to_sql(
        self, dialect: str, schema: Schema | Records | None = None, *, table: str = "records"
    ) -> dict[str, str]:
        """Give each rule as a query of another engine.

        Args:
            dialect: `"duckdb"` or `"spark"`.
            schema: the types of columns, as in `check`; without it, those that conditions ask for. A column
                of doubles that is only asked `IS NULL` must be told, for its NaN to count as null.
            table: the name of the table, as it stands in the query.

        Returns:
            By id, the query of the records that the rule hits when it is asked alone: nulls by its
            `on_null`, faults as nulls; days, modes and the order of rules are not in it.

        Raises:
            ArgumentError: another dialect.
        """
        return dict(self._core.to_sql(dialect, table, [] if schema is None else known_columns(schema)))

    def roles(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Give the columns that are read of a source with these names, and their roles."""
        return [(name, role) for name, role in self._core.roles() if name in names]

    def _open(self, frame: Records, encoding: str | None = None) -> _core.Source:
        """Open records; a column of nothing but nulls gets the type that rules ask for."""
        if as_paths(frame) is not None:
            return open_source(frame, encoding=encoding)
        from creditcore._frame import with_kinds

        return open_source(with_kinds(frame, self._core.kinds()))

    def _decision_day(self, as_of: date | str | None) -> int | None:
        if as_of is None and not self._core.has_days():
            return None
        return day_number(as_of or self._today())

    def _today(self) -> date:
        """Today, where the policy's clock hangs."""
        return today(self._core.time_zone())

    def __repr__(self) -> str:
        """The place, and how many rules there are."""
        return f"Policy({self._place!r}, {len(self._core.rules())} rules)"
