"""The sections of `creditcore.toml`, as types.

Comes in: plain data. Goes out: frozen records, or pydantic's findings, which `config.py` puts into the words
of the house. Unknown keys are refused; a path is text here, relative to the configuration's folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Days = Annotated[int, Field(ge=1, le=36_525)]
CAUSE = r"^[A-Za-z0-9_.-]+$"
"""The name of a cause."""
OWN_CAUSES = ("other_kind", "no_event_time", "before_window", "after_as_of")
"""Causes that have their own keys."""
MOST_UNITS = 2**40
"""The finest step of weights is one part in so many."""


class Part(BaseModel):
    """A section: frozen, of known keys, no value turned into another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Columns(Part):
    """What the columns of the records mean."""

    key: Name = Field(description="The key of a record: 64-bit integers or text.")
    version: Name | None = Field(
        default=None, description="Of a key's rows the one of the highest version counts."
    )
    event_time: Name | None = Field(default=None, description="When it happened.")
    known_time: Name | None = Field(default=None, description="When the lender knew; event_time without it.")
    region: Name | None = Field(default=None, description="Region codes or names.")
    unit: Name | None = Field(
        default=None, description="What a statistic counts; without it each record is one."
    )
    kind: Name | None = Field(default=None, description="Person or enterprise; a ranking is of one kind.")
    keep: Names = Field(default=(), description="Further columns that the state keeps, as they are.")


class Time(Part):
    """How times are read."""

    zone: Name = Field(default="Asia/Shanghai", description="The zone of naive times, in which days begin.")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("a time zone such as `Asia/Shanghai` or `UTC` is needed") from error
        return zone


class UpkeepPart(Part):
    """What a portfolio does for its own files while nobody waits for it."""

    compact_at: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The share of rows that others took the place of at which it is compacted.",
    )


class SchemaPart(Part):
    """How columns become features."""

    file: Name = Field(description="A schema file (YAML).")


class FleetPart(Part):
    """Which models there are."""

    models: Name = Field(description="A folder of models, a fleet file, one model or a compiled fleet.")
    blend: Name | None = Field(
        default=None, description="What is done with the outputs; `blend.toml` beside the models without it."
    )


class ScorePart(Part):
    """How points are made, or which column holds them."""

    column: Name = Field(
        default="points_model", description="What is averaged; without a fleet a column of records."
    )
    version: Name | None = Field(default=None, description="The version of the score, for headings and logs.")
    pdo: float | None = Field(default=None, description="Points that double the odds.")
    base_odds: float | None = Field(default=None, description="Odds good : bad that have `base_points`.")
    base_points: float | None = Field(default=None, description="Points at `base_odds`.")
    min_points: float | None = Field(default=None, description="The lower limit of points_final.")
    max_points: float | None = Field(default=None, description="The upper limit of points_final.")

    @property
    def scaling(self) -> dict[str, float]:
        """What is said of the scaling of points."""
        told = self.model_dump(exclude={"column", "version"}, exclude_none=True)
        return {name: float(value) for name, value in told.items()}


class Identifier(Part):
    """One sort of identifiers, as `Network.build` takes it."""

    columns: Names = Field(min_length=1, description="The columns; values of any of them meet.")
    type: Name | None = Field(default=None, description="What they are, where the name does not say it.")
    role: Name | None = Field(default=None, description="Their role, such as `contact`.")
    normaliser: Name | None = Field(
        default=None, description="The normal form, where the type does not say it."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, told: Any) -> Any:
        if isinstance(told, str):
            return {"columns": (told,)}
        if isinstance(told, Sequence):
            return {"columns": tuple(told)}
        if isinstance(told, Mapping) and isinstance(told.get("columns"), str):
            return {**told, "columns": (told["columns"],)}
        return told


class NetworkPart(Part):
    """How records are linked, with what was learned of them; nothing is learned by a refresh."""

    identifiers: dict[Name, Identifier] = Field(min_length=1, description="By name the column or columns.")
    key_file: Name | None = Field(
        default=None, description="The key of the hashes; the variable CREDITCORE_HASH_KEY without it."
    )
    window_days: Days | None = Field(
        default=None, description="Records older than so many days before the day of `as_of` link nobody."
    )
    strengths: dict[Name, float] = Field(
        default={}, description="Learned: how much an identifier of a type says."
    )
    rarities: dict[Name, list[float]] = Field(
        default={}, description="Learned: the same by how many people show one, in bands."
    )
    caps: dict[Name, int] = Field(default={}, description="People up to which an identifier of a type links.")
    placeholders: dict[Name, Names] = Field(
        default={}, description="Further values that link nobody, by type."
    )
    most_people: int | None = Field(
        default=None, ge=2, description="People beyond whom any identifier links nobody."
    )
    tau: float = Field(default=20.0, gt=0, description="Days in which a tie fades by 1/e.")
    pass_share: float | None = Field(
        default=None, gt=0, le=1, description="The share of people that the cut passes."
    )
    cut: float | None = Field(
        default=None, description="Learned: the score from which a person passes the filter."
    )
    judged_from: float | None = Field(
        default=None, ge=0, le=1, description="The score from which a group is a ring."
    )
    resolution: float | None = Field(default=None, description="Of clustering; less gives larger groups.")
    learned: Name | None = Field(
        default=None, description="What `creditcore fit` learned, frozen (JSON); keys said here go before it."
    )
    person_model: Name | None = Field(default=None, description="Learned: a person model's file (JSON).")

    @property
    def build_config(self) -> dict[str, Any]:
        """What `Network.build` takes as its configuration."""
        told = self.model_dump(include={"strengths", "rarities", "caps", "placeholders", "most_people"})
        return {name: value for name, value in told.items() if value}

    @property
    def group_config(self) -> dict[str, Any]:
        """What `find_groups` takes beside it."""
        settings = {"tau", "pass_share", "cut", "judged_from", "resolution"}
        return self.model_dump(include=settings, exclude_none=True)

    @property
    def sources(self) -> list[str]:
        """The columns of identifiers."""
        return list(dict.fromkeys(name for one in self.identifiers.values() for name in one.columns))


class PolicyPart(Part):
    """The rules in force."""

    file: Name | None = Field(
        default=None, description="A policy file (YAML); `policy.yaml` beside the models without it."
    )
    language: Literal["en", "zh"] = Field(default="en", description="The language of reasons.")


class RegionsPart(Part):
    """The region table."""

    table: Name = Field(default="china", description="`china`, `none`, or a CSV file.")


class WeightsPart(Part):
    """What weighs a unit; 1 each without this section."""

    column: Name = Field(description="The column of weights.")
    step: Annotated[str, Field(strict=False)] = Field(
        default="1",
        description="Weights are kept as whole multiples of it: 1 divided by a whole number ('1/100').",
    )

    @field_validator("step", mode="before")
    @classmethod
    def _one_part(cls, told: Any) -> str:
        needed = "1 divided by a whole number up to 2^40 is needed, such as 0.01 or '1/64'"
        try:
            step = Fraction(str(told).replace(" ", ""))
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(needed) from error
        if isinstance(told, bool) or step.numerator != 1 or step.denominator > MOST_UNITS:
            raise ValueError(needed)
        return str(step)

    @property
    def units(self) -> int:
        """How many steps make a weight of 1."""
        return Fraction(self.step).denominator


class PopulationPart(Part):
    """Whom a ranking is of; whoever is left out is counted by cause."""

    product: Name | None = Field(default=None, description="Of which product; printed.")
    stage: Literal["applicants", "approved", "on book"] | None = Field(default=None, description="Printed.")
    region_source: Name | None = Field(default=None, description="Where regions come from; printed.")
    kind: Name | None = Field(
        default=None, description="The kind to keep, or `all`; others are `other_kind`."
    )
    window_days: Days | None = Field(
        default=None,
        description="Event times on so many days up to the day of `as_of`; others are `before_window`.",
    )
    exclude: dict[Annotated[str, Field(pattern=CAUSE)], Name] = Field(
        default={},
        description="By cause a condition; whoever it holds for is left out, by the first that holds.",
    )

    @field_validator("exclude")
    @classmethod
    def _not_taken(cls, told: dict[str, str]) -> dict[str, str]:
        if taken := sorted(set(told) & set(OWN_CAUSES)):
            raise ValueError(f"`{taken[0]}` is a cause of its own; another name is needed")
        return told


class Gate(Part):
    """What happens where a gate finds more than is allowed."""

    level: Literal["warn", "quarantine", "refuse"] = Field(
        default="warn", description="Say so; put the rows aside; refuse the whole delta."
    )


class RowCount(Gate):
    """The number of rows against what is expected."""

    at_least: int = Field(default=1, ge=0, description="The fewest rows of a delta.")
    at_most: int | None = Field(default=None, ge=1, description="The most rows of a delta.")


class Nulls(Gate):
    """The share of nulls in a column against the baseline's."""

    rise: float = Field(default=0.05, ge=0, le=1, description="The most that the share may rise.")


class NewCategories(Gate):
    """Values of a category that the baseline does not have."""

    share: float = Field(default=0.0, ge=0, le=1, description="The most rows of such values, as a share.")


class Drift(Gate):
    """The population stability index of a column against the baseline."""

    psi: float = Field(default=0.25, gt=0, description="The highest index that is allowed.")
    least_rows: int = Field(default=1000, ge=1, description="Rows from which an index is told at all.")


class DuplicateKeys(Gate):
    """Keys (with a version column: keys and versions) that come more than once in a delta."""

    share: float = Field(default=0.0, ge=0, le=1, description="The most rows of such keys, as a share.")


class Freshness(Gate):
    """Event times against `as_of`."""

    days: Days = Field(default=7, description="The newest event may be so many days old.")


class UnitJumps(Gate):
    """Numbers in another unit: cents for yuan, thousands for ones."""

    factor: float = Field(
        default=30.0,
        gt=1,
        description="The median may move by less; no value may exceed it times the largest.",
    )
    least_rows: int = Field(default=30, ge=1, description="Values from which a median is told at all.")


class GatesPart(Part):
    """Quality gates before a commit; a gate that is not named is not asked."""

    baseline: Name | None = Field(default=None, description="What `creditcore fit` learned, frozen (JSON).")
    columns: Names | None = Field(
        default=None, description="The columns that are watched; without it those behind models and rankings."
    )
    row_count: RowCount | None = Field(default=None, description="The number of rows.")
    nulls: Nulls | None = Field(default=None, description="Shares of nulls.")
    new_categories: NewCategories | None = Field(default=None, description="Values never seen.")
    drift: Drift | None = Field(default=None, description="Distributions that moved.")
    duplicate_keys: DuplicateKeys | None = Field(default=None, description="Keys that come twice.")
    freshness: Freshness | None = Field(default=None, description="Data that is old, or of the future.")
    unit_jumps: UnitJumps | None = Field(default=None, description="Numbers in another unit.")

    @property
    def learned_gates(self) -> list[str]:
        """The gates that go by a baseline."""
        names = ("nulls", "new_categories", "drift", "unit_jumps")
        return [name for name in names if getattr(self, name) is not None]


class RankingPart(Part):
    """Rankings that the state keeps ready."""

    by: Names = Field(min_length=1, description="Region levels and families, kept columns.")
    min_n: int = Field(default=1, ge=1, description="Units below which a row gets no rank.")

    @field_validator("by", mode="before")
    @classmethod
    def _listed(cls, told: Any) -> Any:
        return (told,) if isinstance(told, str) else told
