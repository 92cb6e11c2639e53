"""Scores and decisions on Spark: the columns that one machine computes, partition by partition.

Comes in: a DataFrame, models, a policy. Goes out: the DataFrame with further columns; rows, their order and
their partitions stay as they were, and nothing is shuffled.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.errors import SchemaError
from creditcore.spark import travel
from creditcore.spark.session import default_key, plain_columns, session_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from creditcore.fleet.fleet import Fleet
    from creditcore.pipeline.pipeline import Pipeline
    from creditcore.tactics.policy import Policy


DECIDED = {
    "decision": "string",
    "rules": "array<string>",
    "reasons": "array<string>",
    "effect": "string",
    "errors": "array<string>",
}


@dataclass(frozen=True)
class Rules:
    """What an executor is told of a policy: its text, its lists' files, the key of their hashes."""

    place: str
    text: str
    lists: tuple[tuple[str, str | None, tuple[str, ...], bool], ...]
    secret: bytes

    @staticmethod
    def of(session: SparkSession, policy: Policy) -> Rules:
        """Send the lists of a policy, and give the rest."""
        text, lists, secret = policy._parts
        sent = tuple(
            (name, None if file is None else _send_list(session, file), tuple(values), hashed)
            for name, file, values, hashed in lists
        )
        return Rules(policy._place, text, sent, secret)

    @property
    def content(self) -> str:
        """What tells two policies apart."""
        return json.dumps([self.place, self.text, self.lists, travel.digest(self.secret)])

    def policy(self) -> Policy:
        """Give the policy, loaded once in each process."""
        policy: Policy = travel.loaded(self.content, self._load)
        return policy

    def _load(self) -> Policy:
        from creditcore import _core
        from creditcore.tactics.faults import Faults
        from creditcore.tactics.policy import Policy

        lists = [
            (name, None if file is None else str(travel.received(file)), list(values), hashed)
            for name, file, values, hashed in self.lists
        ]
        policy = Policy.__new__(Policy)
        policy._place, policy._faults = self.place, Faults(self.place, None)
        core, found = _core.read_policy(self.text, lists, self.secret)
        policy._faults.refuse(found)
        assert core is not None
        policy._core = core
        return policy


def _send_list(session: SparkSession, file: str) -> str:
    return travel.send_file(session, Path(file), Path(file).suffix)


@dataclass(frozen=True)
class Scoring:
    """What an executor is told of a pipeline: the name of the fleet's file, the rest as text."""

    fleet: str
    schema: str | None
    blend: str | None
    scaling: tuple[float, float, float, float | None, float | None]
    rules: Rules | None
    language: str
    day: str
    output: str | None
    precision: str
    inputs: tuple[str, ...]
    columns: dict[str, str]
    names: tuple[str, ...]
    key: str | None

    def pipeline(self) -> Pipeline:
        """Give the pipeline, loaded once in each process."""
        rules = None if self.rules is None else self.rules.content
        content = json.dumps([self.fleet, self.schema, self.blend, self.scaling, rules, self.language])
        pipeline: Pipeline = travel.loaded(content, self._load)
        return pipeline

    def _load(self) -> Pipeline:
        from creditcore.features import Schema
        from creditcore.fleet.fleet import Fleet
        from creditcore.pipeline.pipeline import Pipeline
        from creditcore.scoring.calibration import Calibration
        from creditcore.scoring.scores import Blend, Scaling
        from creditcore.spark.batches import task_threads

        fleet = Fleet.load(travel.received(self.fleet), threads=task_threads())
        schema = None if self.schema is None else Schema(**json.loads(self.schema))
        blend = None
        if self.blend is not None:
            told = json.loads(self.blend)
            made = {name: Calibration.from_dict(one) for name, one in told.pop("calibration").items()}
            blend = Blend(**told, calibration=made)
        policy = None if self.rules is None else self.rules.policy()
        return Pipeline(fleet, schema, blend, Scaling(*self.scaling), policy, self.language)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the batches of a partition."""
        from creditcore.spark.batches import extended, task_threads, to_polars

        told: dict[str, Any] = {"as_of": self.day, "threads": task_threads()}

        def work(table: pa.Table) -> Any:
            rows = to_polars(table.select(list(self.inputs)))
            return self.pipeline().score(rows, self.output, self.precision, **told).to_arrow()

        yield from extended(batches, self.names, work, self.columns, self.key)


def score(
    frame: DataFrame,
    models: str | os.PathLike[str] | Fleet | Pipeline,
    output: str | None = None,
    precision: str = "exact",
    *,
    as_of: datetime.date | str | None = None,
    key: str | None = None,
) -> DataFrame:
    """Score the records of a DataFrame, and decide them where there are rules; as `Pipeline.score` does.

    Args:
        frame: the records, with the columns that the models (or their schema) name.
        models: a folder of models as `Pipeline.load` takes it, a model file, a compiled fleet, or what was
            loaded of these. It is read on the driver and sent to the executors as one compiled file, named by
            its content.
        output: adds the outputs of every model, `raw` or `probability`.
        precision: `exact`, or `fast`.
        as_of: the day of the decisions; today (UTC) by default, settled on the driver for all executors.
        key: the column of keys, by which an error names a record; `key` where there is one.

    Returns:
        The DataFrame with a double column for each output asked for and for `fraud_p`, `pd`, `points_model`
        and `points_final`; without a blend the raw outputs; with rules `decision`, `rules`, `reasons`,
        `effect` and `errors`. Rows and partitions stay as they were.

    Memory: for each task the inputs and outputs of 65,536 records; for each process one fleet.

    Raises:
        SchemaError: a column that is missing, or that the DataFrame has already.
        SourceError, FormatError, ModelError: models that cannot be read. A value that is refused is told by
            the task that met it, when Spark runs it, with its partition, row and key.
    """
    from creditcore.pipeline.pipeline import Pipeline
    from creditcore.spark.batches import empty_table, to_polars
    from creditcore.tactics.data import today

    session = session_of(frame)
    pipeline = models if isinstance(models, Pipeline) else _pipeline(models)
    inputs = tuple(name for name, _ in pipeline.inputs_of(frame.columns))
    day = str(as_of or today())
    none = to_polars(empty_table(frame).select(list(inputs)))
    made = pipeline.score(none, output, precision, as_of=day)
    columns = {name: DECIDED.get(name, "double") for name in _fresh(frame, made.columns)}
    schema, blend, policy = pipeline.schema, pipeline.blend, pipeline.policy
    scoring = Scoring(
        travel.send_fleet(session, pipeline.fleet),
        None if schema is None else json.dumps(schema.to_dict()),
        None if blend is None else _blend_text(blend),
        pipeline.scaling._scale,
        None if policy is None else Rules.of(session, policy),
        pipeline._language,
        day,
        output,
        precision,
        inputs,
        columns,
        tuple(frame.columns),
        default_key(frame, key),
    )
    plain = plain_columns(frame, frame.columns)
    return plain.mapInArrow(scoring.__call__, extended_schema(frame, columns))


def _pipeline(models: Any) -> Pipeline:
    from creditcore.fleet.fleet import Fleet
    from creditcore.pipeline.pipeline import Pipeline

    return Pipeline(models) if isinstance(models, Fleet) else Pipeline.load(models)


def _blend_text(blend: Any) -> str:
    told = {"fraud": blend.fraud, "credit": blend.credit, "on_null": blend.on_null}
    made = {name: calibration.to_dict() for name, calibration in blend.calibration.items()}
    return json.dumps({**told, "calibration": made})


def _fresh(frame: DataFrame, names: list[str]) -> list[str]:
    taken = [name for name in names if name in frame.columns]
    if taken:
        raise SchemaError(f"the records have a column `{taken[0]}` already; rename it, or drop it")
    return names


def extended_schema(frame: DataFrame, columns: dict[str, str]) -> Any:
    """Give the schema of a DataFrame with further columns."""
    from pyspark.sql.types import ArrayType, DoubleType, StringType, StructField, StructType

    kinds = {"double": DoubleType(), "string": StringType(), "array<string>": ArrayType(StringType())}
    further = [StructField(name, kinds[kind]) for name, kind in columns.items()]
    return StructType([*frame.schema.fields, *further])


@dataclass(frozen=True)
class Deciding:
    """What an executor is told of decisions."""

    known: Rules
    inputs: tuple[str, ...]
    day: str
    language: str
    shadow: bool
    names: tuple[str, ...]
    key: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Decide the batches of a partition."""
        from creditcore.spark.batches import extended, task_threads, to_polars

        threads = task_threads()
        asked: dict[str, Any] = {"as_of": self.day, "language": self.language, "shadow": self.shadow}

        def work(table: pa.Table) -> Any:
            rows = to_polars(table.select(list(self.inputs)))
            return self.known.policy().decide(rows, **asked, threads=threads).to_arrow()

        yield from extended(batches, self.names, work, decided_columns(self.shadow), self.key)


def decided_columns(shadow: bool) -> dict[str, str]:
    """Give the columns of decisions, and their types."""
    return {**DECIDED, "shadow": "array<string>"} if shadow else DECIDED


def decide(
    frame: DataFrame,
    policy: str | os.PathLike[str] | Policy,
    *,
    as_of: datetime.date | str | None = None,
    language: str = "en",
    shadow: bool = False,
    key: str | None = None,
) -> DataFrame:
    """Decide the records of a DataFrame; the decisions are those of `Policy.decide`.

    Args:
        frame: the records, with every column that rules name.
        policy: a policy, or the path of its file; lists travel as files named by their content.
        as_of: the day of the decisions; today (UTC) by default, settled on the driver for all executors.
        language: of the reasons: `en` or `zh`.
        shadow: adds the column `shadow`.
        key: the column of keys, by which an error names a record; `key` where there is one.

    Returns:
        The DataFrame with `decision`, `rules`, `reasons`, `effect` and `errors`, as `Policy.decide` gives
        them.

    Raises:
        TacticError: a policy that cannot be read, or does not fit the columns.
        SchemaError: a column that is missing, or that the DataFrame has already.
        ArgumentError: another language, a day that is none.
    """
    from creditcore.spark.batches import empty_table, to_polars
    from creditcore.tactics.data import today
    from creditcore.tactics.policy import Policy

    session = session_of(frame)
    known = policy if isinstance(policy, Policy) else Policy.load(policy)
    day = str(as_of or today())
    inputs = tuple(name for name, _ in known.roles(frame.columns))
    # Tells, before anything runs, what does not fit.
    made = known.decide(
        to_polars(empty_table(frame).select(list(inputs))), as_of=day, language=language, shadow=shadow
    )
    columns = decided_columns(shadow)
    _fresh(frame, made.columns)
    names = tuple(frame.columns)
    rules = Rules.of(session, known)
    told = Deciding(rules, inputs, day, language, shadow, names, default_key(frame, key))
    return plain_columns(frame, names).mapInArrow(told.__call__, extended_schema(frame, columns))
