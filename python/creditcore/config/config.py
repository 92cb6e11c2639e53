"""Configurations of portfolios: one TOML file that says everything a portfolio is made by.

Comes in: `creditcore.toml` and the files that it names (docs/formats/config.md). Goes out: a frozen `Config`
with a fingerprint over all of their contents. Whatever is wrong is told with file, key and line.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError

from creditcore.config.contents import data_hash, file_hash, fleet_hash, policy_hash
from creditcore.config.parts import (
    Columns,
    FleetPart,
    GatesPart,
    NetworkPart,
    Part,
    PolicyPart,
    PopulationPart,
    RankingPart,
    RegionsPart,
    SchemaPart,
    ScorePart,
    Time,
    UpkeepPart,
    WeightsPart,
)
from creditcore.config.places import key_lines, line_of
from creditcore.errors import SchemaError

Place = tuple[str | int, ...]
# The keys that name files or folders, and what of them counts in the fingerprint.
FILES: dict[tuple[str, str], Callable[[Path], str | None]] = {
    ("schema", "file"): file_hash,
    ("fleet", "models"): fleet_hash,
    ("fleet", "blend"): file_hash,
    ("network", "key_file"): lambda path: None,
    # What was learned stands in the configuration that is read.
    ("network", "learned"): lambda path: None,
    ("network", "person_model"): file_hash,
    ("policy", "file"): policy_hash,
    ("regions", "table"): file_hash,
    ("gates", "baseline"): file_hash,
}
NO_FILES = {("regions", "table"): ("china", "none")}
# The files that `creditcore fit` writes.
LEARNED = (("network", "learned"), ("gates", "baseline"))


class Config(Part):
    """A portfolio's configuration; frozen.

    >>> import creditcore as cc
    >>> config = cc.Config.of({"columns": {"key": "id", "region": "adcode"}, "rankings": [{"by": "city"}]})
    >>> config.rankings[0].by, config.score.column, config.weights
    (('city',), 'points_model', None)
    """

    columns: Columns = Field(description="What the columns of the records mean.")
    time: Time = Field(default=Time(), description="How times are read.")
    features: SchemaPart | None = Field(
        default=None, alias="schema", description="How columns become features."
    )
    fleet: FleetPart | None = Field(
        default=None, description="The models; without it records bring their score."
    )
    score: ScorePart = Field(default=ScorePart(), description="Points.")
    network: NetworkPart | None = Field(default=None, description="How records are linked.")
    policy: PolicyPart | None = Field(default=None, description="The rules in force.")
    regions: RegionsPart = Field(default=RegionsPart(), description="The region table.")
    weights: WeightsPart | None = Field(default=None, description="What weighs a unit; 1 each without it.")
    gates: GatesPart | None = Field(default=None, description="Quality gates before a commit.")
    population: PopulationPart | None = Field(default=None, description="Whom the rankings are of.")
    upkeep: UpkeepPart = Field(default=UpkeepPart(), description="What is done while nobody waits.")
    rankings: tuple[RankingPart, ...] = Field(
        default=(), strict=False, description="The rankings that a refresh renews."
    )
    _folder: Path = PrivateAttr(default=Path())
    _place: str = PrivateAttr(default="configuration")
    _lines: dict[Place, int] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, unlearned: bool = False) -> Self:
        """Read a TOML file; paths in it are relative to its folder.

        Args:
            path: the file.
            unlearned: leaves out what was learned; its files need not be there yet.

        Raises:
            SchemaError: a file that cannot be read or is no TOML; an unknown key, a value that is not
                allowed, a file that is not there; with file, line and key.
        """
        place = os.fspath(path)
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SchemaError(f"`{place}`: cannot be read: {told}") from error
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SchemaError(f"`{place}`: not TOML: {error}") from error
        return cls._made(data, Path(path).parent, place, key_lines(text), unlearned)

    @classmethod
    def of(cls, told: Mapping[str, Any], folder: str | os.PathLike[str] = ".") -> Self:
        """Make a configuration of plain data, with the keys of the file.

        Args:
            told: sections by name, as `tomllib` or `to_dict` gives them.
            folder: what paths are relative to.

        Raises:
            SchemaError: as `load`, without lines.
        """
        return cls._made(told, Path(folder), "configuration", {})

    @classmethod
    def _made(
        cls,
        told: Mapping[str, Any],
        folder: Path,
        place: str,
        lines: dict[Place, int],
        unlearned: bool = False,
    ) -> Self:
        try:
            config = cls.model_validate(told)
        except ValidationError as error:
            raise _fault(error, place, lines) from error
        config._folder, config._place, config._lines = folder, place, lines
        config._check_files(LEARNED if unlearned else ())
        network = told.get("network")
        if not unlearned and isinstance(network, Mapping) and network.get("learned"):
            learned = config._learned(folder / network["learned"])
            # `learned` is read once: what it says becomes part of the configuration. Strengths said here
            # weigh ties as they are, without the rarities that were learned beside others.
            if network.get("strengths"):
                learned.pop("rarities", None)
            whole = {**learned, **{key: value for key, value in network.items() if key != "learned"}}
            return cls._made({**told, "network": whole}, folder, place, lines)
        config._check_columns()
        if config.population is not None and config.population.exclude:
            from creditcore.population import Population

            Population(config)
        return config

    @property
    def folder(self) -> Path:
        """What paths are relative to."""
        return self._folder

    @property
    def zone(self) -> tzinfo:
        """The zone of naive times, in which days begin."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.time.zone)

    def path(self, told: str) -> Path:
        """Give a path of the configuration as one that can be opened."""
        return self._folder / told

    @property
    def by(self) -> list[str]:
        """Everything that is ranked by, each once, in the order of the file."""
        return list(dict.fromkeys(name for ranking in self.rankings for name in ranking.by))

    @property
    def region_table(self) -> str | Path:
        """The region table, as `creditcore.regions.load` takes it."""
        table = self.regions.table
        return table if table in ("china", "none") else self.path(table)

    @property
    def grouping_columns(self) -> list[str]:
        """The plain columns that rankings go by; all others are levels and families of the region table."""
        from creditcore import regions

        table = regions.load(self.region_table)
        known = [] if table is None else [*table.levels(), *table.families()]
        return [
            name for name in self.by if name not in known and (table is None or name != self.columns.region)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give the configuration as plain data, which `of` takes; defaults are written out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the configuration and the contents of every file that it names.

        Where files lie changes nothing. The key of hashes is left out: no result depends on it.
        """
        return data_hash(self.contents())

    def contents(self) -> dict[str, Any]:
        """Give the configuration with the fingerprint of each file in place of its path, by section.

        Files beside the models are `schema`, `blend` and `policy` of their own; no figure hangs on `upkeep`.
        """
        told = self.to_dict()
        told.pop("upkeep")
        for section, key, path in self._files():
            told[section][key] = FILES[section, key](path)
        for part, file, fingerprint in (
            ("schema", self.schema_file, file_hash),
            ("blend", self.blend_file, file_hash),
            ("policy", self.policy_file, policy_hash),
        ):
            found = None if file is None else fingerprint(file)
            told[part] = {**told.get(part, {}), "file": found} if part in told or file is not None else None
        return {name: section for name, section in told.items() if section is not None}

    @property
    def schema_file(self) -> Path | None:
        """How columns become features: the file named, or `schema.yaml` beside the models."""
        return self._named_or_beside(self.features.file if self.features else None, "schema.yaml")

    @property
    def blend_file(self) -> Path | None:
        """What is done with outputs: the file named, or `blend.toml` beside the models."""
        return self._named_or_beside(self.fleet.blend if self.fleet else None, "blend.toml")

    @property
    def policy_file(self) -> Path | None:
        """The rules: the file named, or `policy.yaml` beside the models."""
        return self._named_or_beside(self.policy.file if self.policy else None, "policy.yaml")

    def _named_or_beside(self, named: str | None, name: str) -> Path | None:
        if named is not None:
            return self.path(named)
        if self.fleet is None:
            return None
        models = self.path(self.fleet.models)
        beside = (models if models.is_dir() else models.parent) / name
        return beside if beside.is_file() else None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Give the JSON Schema of the file."""
        return {"title": "creditcore.toml", **cls.model_json_schema(by_alias=True)}

    def _files(self) -> Iterator[tuple[str, str, Path]]:
        """Give section, key and path of every file that is named."""
        told = self.to_dict()
        for section, key in FILES:
            name = told.get(section, {}).get(key)
            if name is not None and name not in NO_FILES.get((section, key), ()):
                yield section, key, self.path(name)

    def _learned(self, path: Path) -> dict[str, Any]:
        """Read what was learned of the network."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.fault(("network", "learned"), f"`{path}` cannot be read: {error}") from error
        if not isinstance(told, dict) or set(told) - {"strengths", "rarities", "cut"}:
            raise self.fault(("network", "learned"), f"`{path}` is not what `creditcore fit` writes")
        return told

    def _check_files(self, absent: Sequence[tuple[str, str]]) -> None:
        for section, key, path in self._files():
            if not path.exists() and (section, key) not in absent:
                raise self.fault(
                    (section, key), f"there is no file `{path}`; paths are relative to this file"
                )

    def _check_columns(self) -> None:
        """Refuse what needs a column or a section that is not there."""
        for section in ("schema", "policy"):
            if section in self.to_dict() and self.fleet is None:
                raise self.fault((section,), "it goes with models; say `models` in `[fleet]`")
        people = self.population
        for key, column in (("kind", "kind"), ("window_days", "event_time")):
            wanted = None if people is None else getattr(people, key)
            if wanted not in (None, "all") and getattr(self.columns, column) is None:
                raise self.fault(("population", key), f"it goes by a column; say `{column}` in `[columns]`")
        if self.gates is not None:
            if self.gates.learned_gates and self.gates.baseline is None:
                told = "it goes by a baseline; say `baseline`, a file that `creditcore fit` writes"
                raise self.fault(("gates", self.gates.learned_gates[0]), told)
            if self.gates.freshness is not None and self.columns.event_time is None:
                raise self.fault(("gates", "freshness"), "say `event_time` in `[columns]`")
        seen: set[str] = set()
        grouped = self.grouping_columns
        for number, ranking in enumerate(self.rankings):
            if twice := [name for name in ranking.by if name in seen]:
                raise self.fault(
                    ("rankings", number, "by"), f"`{twice[0]}` is ranked by already; once is enough"
                )
            seen.update(ranking.by)
            regional = [name for name in ranking.by if name not in grouped]
            if regional and self.columns.region is None:
                raise self.fault(
                    ("rankings", number, "by"),
                    f"`{regional[0]}` is of the region table; say `region` in `[columns]`",
                )

    def fault(self, path: Sequence[str | int], text: str) -> SchemaError:
        """Give an error about a key, with file and line."""
        return SchemaError(_placed(self._place, self._lines, path, text))


def _placed(place: str, lines: dict[Place, int], path: Sequence[str | int], text: str) -> str:
    line = line_of(lines, path)
    where = f"`{place}`" if line is None else f"`{place}`, line {line}"
    return f"{where}: `{_dotted(path)}`: {text}"


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


# Of pydantic's findings, those that are told in words of the house.
_NEEDED = {
    "string_type": "a text is needed",
    "string_too_short": "a text is needed that is not empty",
    "int_type": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "tuple_type": "a list is needed",
    "too_short": "one entry is needed at least",
    "dict_type": "a table is needed",
    "model_type": "a table is needed",
    "model_attributes_type": "a table is needed",
    "finite_number": "a finite number is needed",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _fault(error: ValidationError, place: str, lines: dict[Place, int]) -> SchemaError:
    """Give the first finding, by line, in words of the house; the others are counted."""
    # A key that is missing may be one that is written wrongly, which says more.
    found = sorted(error.errors(), key=lambda of: (of["type"] == "missing", line_of(lines, of["loc"]) or 0))
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return SchemaError(_placed(place, lines, first["loc"], _words(first)) + more)


def _words(finding: Any) -> str:
    kind, given = finding["type"], finding["input"]
    if kind == "extra_forbidden":
        allowed = _allowed(finding["loc"][:-1])
        near = get_close_matches(str(finding["loc"][-1]), allowed, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"unknown key{hint} (allowed are {', '.join(allowed)})"
    if kind == "missing":
        return "this key is missing; it is needed"
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        needed = f"a number {word} {finding['ctx'][bound]} is needed"
    elif kind == "literal_error":
        needed = f"allowed are {finding['ctx']['expected']}".replace("'", "`")
    elif kind == "value_error":
        needed = str(finding["ctx"]["error"])
    else:
        needed = _NEEDED.get(kind, str(finding["msg"]).lower())
    return f"it is `{given!r}`; {needed}"


def _allowed(path: Sequence[str | int]) -> list[str]:
    """Give the keys of a section, of its name in the file."""
    schema = Config.model_json_schema(by_alias=True)
    node: dict[str, Any] = schema
    for step in path:
        options = [node, *node.get("anyOf", ())]
        node = next((_resolved(one, schema) for one in options if "$ref" in one), node)
        if isinstance(step, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(step) or node.get("additionalProperties") or {}
    options = [node, *node.get("anyOf", ())]
    node = next((_resolved(one, schema) for one in options if "$ref" in one), node)
    return list(node.get("properties", {}))


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return found
