"""Policies: rules that an analyst writes as SQL conditions, run over everything.

Comes in: a policy (a YAML file), records with features and scores. Goes out: for each record a decision, the
rules that hit, their reasons and effects. docs/tactics.md tells the whole, docs/formats/policy.md the file.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.documents import Places, read_placed_yaml
from creditcore.errors import ArgumentError, SchemaError, TacticError
from creditcore.features import Schema
from creditcore.sources import Records, as_paths, open_source

if TYPE_CHECKING:
    import polars as pl

SCORES = ("fraud_p", "pd", "points_model")
"""The columns of a score that rules may use beside features and the outputs of models."""
_EPOCH = date(1970, 1, 1)
_KINDS = {"float64": "double", "float32": "double", "int64": "integer", "text": "text", "category": "text"}


@dataclass(frozen=True)
class Finding:
    """Something wrong with a policy.

    Attributes:
        level: `error`, the policy cannot be used; `warning`, it says what was hardly meant.
        code: what kind, in one word.
        subject: the rule or the tactic.
        text, hint: what, and what to write instead.
        file, line, column: where, from 1.
        shown: the line of the file, with a caret under the place.
    """

    level: str
    code: str
    subject: str | None
    text: str
    hint: str | None
    file: str
    line: int
    column: int
    shown: str

    def __str__(self) -> str:
        """Give the finding as a person reads it."""
        place = f"`{self.file}`, line {self.line}, column {self.column}: "
        subject = f"{self.subject}: " if self.subject else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{subject}{self.text}{hint}{self.shown}"

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain data."""
        kept = ("level", "code", "subject", "text", "hint", "file", "line", "column")
        return {name: getattr(self, name) for name in kept}


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
        except SchemaError as error:
            raise TacticError(str(error)) from error
        policy._read(told, os.fspath(path), places)
        return policy

    def _read(self, told: Any, place: str, places: Places | None) -> None:
        self._place, self._places = place, places
        try:
            text = json.dumps(_plain(told), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise TacticError(f"`{place}`: not a policy: {error}") from error
        core, found = _core.read_policy(text)
        self._refuse([self._finding(one) for one in found])
        if core is None:
            raise TacticError(f"`{place}`: not a policy")
        self._core = core
        self._refuse([self._finding(one) for one in core.failing()])

    def _refuse(self, found: Sequence[Finding]) -> None:
        if not found:
            return
        first = found[0]
        more = f"\nand {len(found) - 1} more" if len(found) > 1 else ""
        error = TacticError(f"{first}{more}")
        error.line, error.column, error.hint = first.line, first.column, first.hint
        error.findings = list(found)
        raise error

    def _finding(self, told: Any) -> Finding:
        level, code, subject, path, span, text, hint = told
        if self._places is None:
            line, column = span or (1, 1)
            return Finding(level, code, subject, text, hint, f"{self._place}{path}", line, column, "")
        line, column = self._places.find(path, span)
        shown = self._places.line(line)
        start = max(0, column - 60)
        caret = " " * (column - 1 - start) + "^"
        shown = f"\n    {shown[start : start + 100]}\n    {caret}"
        return Finding(level, code, subject, text, hint, self._place, line, column, shown)

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules in file order: id, tactic, when, action, reasons, on_null, owner, mode, columns."""
        return [{key: value for key, value in rule.items() if key != "path"} for rule in self._core.rules()]

    @property
    def columns(self) -> list[str]:
        """The columns that rules name, in file order."""
        return self._core.columns()

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
        columns = None if schema is None else [*_columns(schema), *((name, "") for name in also)]
        return [self._finding(one) for one in self._core.check(columns, day=_day(as_of or _today()))]

    def decide(
        self,
        frame: Records,
        *,
        as_of: date | str | None = None,
        language: str = "en",
        shadow: bool = False,
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
            threads: how many to use; by default one for each processor. Changes nothing in the result.
            progress: called with the number of records read so far, at most ten times a second.

        Returns:
            A row for each record in their order: `decision` (`reject`, `review` or `pass`), `rules` (ids of
            the live rules that hit, in file order), `reasons` (their texts), `effect` (what they do to points,
            as `score` takes it; null where nothing), `errors` (what failed, by rule).

        Raises:
            TacticError: a column that is not there, types that do not fit, with the rule.
            SchemaError: a column of a type that an expression cannot read.
            SourceError: records that cannot be read.
            ArgumentError: another language, a day that is none.
        """
        from creditcore._frame import to_polars

        decided = self._core.decide(
            self._open(frame),
            day=self._decision_day(as_of),
            language=language,
            shadow=shadow,
            threads=threads,
            progress=progress,
        )
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
        told = self._core.tally(source, day=day, threads=threads, progress=progress)
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
        from creditcore.decisions import write

        return write(self, source, path, keep, encoding, as_of, language, shadow, threads, progress)

    def trace(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Tell what every rule says of one record, and the values that it saw.

        Args:
            record: a value for each column.

        Returns:
            A record for each rule in file order: `id`, `tactic`, `when`, `action`, `truth` (None is
            unknown), `hit`, `values` (by column), `errors`. Rules are asked one by one: what a reject before
            them would end is asked too.
        """
        said = self._core.trace(self._open({name: [value] for name, value in record.items()}))
        return [
            {
                **{key: rule[key] for key in ("id", "tactic", "when", "action")},
                "truth": truth,
                "hit": hit,
                "values": {name: record[name] for name in rule["columns"]},
                "errors": errors,
            }
            for rule, (_, truth, hit, errors) in zip(self.rules, said, strict=True)
        ]

    def to_sql(
        self, dialect: str, schema: Schema | Records | None = None, *, table: str = "records"
    ) -> dict[str, str]:
        """Give each rule as a query of another engine.

        Args:
            dialect: `"duckdb"` or `"spark"`.
            schema: the types of columns, as in `check`; without it, those that conditions ask for. A column of
                doubles that is only asked `IS NULL` must be told, for its NaN to count as null.
            table: the name of the table, as it stands in the query.

        Returns:
            By id, the query of the records that the rule hits when it is asked alone: nulls by its
            `on_null`, faults as nulls; days, modes and the order of rules are not in it.

        Raises:
            ArgumentError: another dialect.
        """
        return dict(self._core.to_sql(dialect, table, [] if schema is None else _columns(schema)))

    def roles(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Give the columns that are read of a source with these names, and the roles that they are read in."""
        return [(name, role) for name, role in self._core.roles() if name in names]

    def _open(self, frame: Records) -> _core.Source:
        """Open records; a column of nothing but nulls gets the type that rules ask for."""
        if as_paths(frame) is not None:
            return open_source(frame)
        from creditcore._frame import with_kinds

        return open_source(with_kinds(frame, self._core.kinds()))

    def _decision_day(self, as_of: date | str | None) -> int | None:
        if as_of is None and not self._core.has_days():
            return None
        return _day(as_of or _today())

    def __repr__(self) -> str:
        """The place, and how many rules there are."""
        return f"Policy({self._place!r}, {len(self._core.rules())} rules)"


def check_file(
    policy: str | os.PathLike[str],
    schema: str | os.PathLike[str] | None = None,
    *,
    also: Sequence[str] = (),
    as_of: date | str | None = None,
) -> list[Finding]:
    """Look for what is wrong with a policy's file.

    Args:
        policy: the file.
        schema: a schema's file (`.yaml`), or records.
        also, as_of: as in `Policy.check`.

    Returns:
        Findings in file order.

    Raises:
        TacticError: a file that is no YAML at all.
    """
    try:
        read = Policy.load(policy)
    except TacticError as error:
        if error.findings:
            return [one for one in error.findings if isinstance(one, Finding)]
        raise
    known: Any = schema
    if schema is not None and os.fspath(schema).endswith((".yaml", ".yml")):
        known = Schema.load(schema)
    return read.check(known, also=also, as_of=as_of)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of policy files."""
    text = resources.files("creditcore").joinpath("data/policy.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _today() -> date:
    return datetime.now(UTC).date()


def _day(told: date | str) -> int:
    """Days since 1970."""
    if isinstance(told, datetime):
        told = told.date()
    if isinstance(told, str):
        try:
            told = date.fromisoformat(told)
        except ValueError as error:
            raise ArgumentError(f"`as_of` is `{told}`; it is a day such as 2026-01-31") from error
    if not isinstance(told, date):
        raise ArgumentError(f"`as_of` is a `{type(told).__name__}`; give a date or a text such as 2026-01-31")
    return (told - _EPOCH).days


def _columns(schema: Any) -> list[tuple[str, str]]:
    """Names and types of the columns that rules may name."""
    if isinstance(schema, Schema):
        features = {one["name"]: _KINDS.get(one["type"], one["type"]) for one in schema.features}
        sources = {name: "" for name in schema.sources if name not in features}
        return [*(features | sources).items(), *((name, "double") for name in SCORES if name not in features)]
    if isinstance(schema, Mapping) and all(isinstance(kind, str) for kind in schema.values()):
        return list(schema.items())
    if isinstance(schema, list | tuple) and all(isinstance(name, str) for name in schema):
        return [(name, "") for name in schema]
    from creditcore._frame import column_kinds

    if as_paths(schema) is not None:
        return [(name, "") for name in open_source(schema).column_names()]
    return column_kinds(schema)


def _plain(value: Any, *, given: bool = False) -> Any:
    """Give YAML's values as those of JSON; inside of `given` days and odd numbers keep their types."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"double": str(value)} if given else str(value)
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat(" ")} if given else value.isoformat(" ")
    if isinstance(value, date):
        return {"date": value.isoformat()} if given else value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, given=given or key == "given") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, given=given) for inner in value]
    return value
