"""The network of a portfolio: identifiers as hashes in the state, the graph of them in memory.

Comes in: records with identifiers, an open state. Goes out: columns of keyed hashes in place of identifiers,
a network that takes deltas, the features that one changed. What is in memory is a function of the columns
that the state keeps and is made of them again, so a change that was cut off leaves nothing in it. A network
over hashes is the network of the identifiers under other names: every feature has the same bits (law 7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.config.config import Config
from creditcore.errors import ArgumentError, SchemaError, StateError
from creditcore.frames import renewed
from creditcore.hash_keys import KEY_VARIABLE, hash_key, random_key
from creditcore.line import VIEWS, network_columns
from creditcore.linking.network import Network, net_features
from creditcore.linking.plan import make_plan
from creditcore.population import day_of
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State
    from creditcore.pipeline.pipeline import Pipeline

INNER_KEY = bytes(16)
"""The key of the network in memory, whose identifiers are keyed hashes already."""
FEW = 8
"""A delta of a smaller part of the records is followed to those who see it."""
HASH_KEY = "hash_key"
"""What the catalog calls the fingerprint of the key of the hashes."""


class Linked:
    """What a configuration says of links, for a state that keeps hashes; immutable.

    Attributes:
        shown: the columns of hashes.
        sources: the columns of identifiers.
        time: the column of times; None without one.
        wanted: by view the network features that models or rules ask for.
    """

    def __init__(self, config: Config, pipeline: Pipeline | None) -> None:
        """Read what the configuration says.

        Raises:
            SchemaError: identifiers that the state would keep in plain, features that there are not.
        """
        part = config.network
        assert part is not None
        self._config, self._part = config, part
        self.sources = part.sources
        declared = {name: one.model_dump(exclude_none=True) for name, one in part.identifiers.items()}
        self.shown = [f"_{name}:{column}" for name, one in declared.items() for column in one["columns"]]
        self.time = config.columns.known_time or config.columns.event_time
        self.wanted = {view: network_columns(pipeline, view) for view in VIEWS}
        # What nobody asks for is neither kept nor renewed.
        self._only = [name.removeprefix("net_now_") for name in self.wanted["now"]]
        self._tau = part.tau if self._only else None
        placeholders = {name: list(values) for name, values in part.placeholders.items()}
        hashed = {"placeholders": placeholders} if placeholders else {}
        self._hash_plan = make_plan(config.columns.key, declared, None, hashed)
        inner = {
            name: {
                **one,
                "columns": [f"_{name}:{column}" for column in one["columns"]],
                "normaliser": "exact",
            }
            for name, one in declared.items()
        }
        graph = {name: told for name, told in part.build_config.items() if name != "placeholders"}
        self._plan = make_plan(config.columns.key, inner, self.time, graph)
        self._check_names()

    def _check_names(self) -> None:
        known = self.empty().ego_features().columns
        for view in VIEWS:
            for name in self.wanted[view]:
                if f"net_now_{name.removeprefix(f'net_{view}_')}" not in known:
                    listed = ", ".join(f"`{one}`" for one in known[1:8])
                    raise SchemaError(f"the network has no feature `{name}`; there are {listed} ...")

    @property
    def features(self) -> list[str]:
        """The columns of features that are kept."""
        return [*self.wanted["now"], *self.wanted["at"]]

    def key_entry(self) -> dict[str, str]:
        """Give what the catalog keeps of the key of the hashes: a fingerprint.

        Raises:
            SchemaError: there is none that outlives the process.
        """
        return {HASH_KEY: hashlib.sha256(b"creditcore state hash key" + self._key()).hexdigest()[:32]}

    def _key(self) -> bytes:
        part = self._part
        key = hash_key(None if part.key_file is None else self._config.path(part.key_file))
        if part.key_file is None and key == random_key():
            told = f"identifiers are kept as hashes of a lasting key; say `key_file`, or set {KEY_VARIABLE}"
            raise self._config.fault(("network", "key_file"), told)
        return key

    def hashed(self, rows: pl.DataFrame, known: str | None) -> pl.DataFrame:
        """Put columns of hashes in the place of identifiers.

        Args:
            rows: of a delta; one that only deletes needs no identifiers.
            known: the fingerprint of the key that the state's hashes were made with.

        Raises:
            StateError: another key; SchemaError: identifiers that are missing, features that rows bring.
        """
        from creditcore._frame import to_polars

        if taken := sorted(set(self.features) & set(rows.columns)):
            told = f"the records have a column `{taken[0]}`, which the network makes; rename it"
            raise SchemaError(told)
        absent = [name for name in self.sources if name not in rows.columns]
        if absent and renewed.OP in rows.columns and len(absent) == len(self.sources):
            return rows
        if absent:
            raise SchemaError(f"there is no column `{absent[0]}`, which holds identifiers of `[network]`")
        if known is not None and self.key_entry()[HASH_KEY] != known:
            told = (
                "the identifiers of the portfolio were hashed with another key, so new ones would meet none"
            )
            hint = f"give `key_file` or {KEY_VARIABLE} that it was made with"
            raise StateError(f"{told}; {hint}")
        tables = _core.identifier_hashes(open_source(rows), self._hash_plan, self._key())
        columns = [to_polars(table).to_series() for table in tables]
        return renewed.with_hashes(rows, list(zip(self.shown, columns, strict=True)), self.sources)

    def require_same_hashes(self, other: Linked) -> None:
        """Refuse what needs the identifiers anew: the state keeps hashes of them alone.

        Raises:
            SchemaError: identifiers that are read or hashed otherwise.
        """
        same = self._hash_plan == other._hash_plan
        if not same or self.key_entry() != other.key_entry():
            told = "identifiers are kept as hashes, which cannot be made anew"
            raise self._config.fault(("network",), f"{told}; make another portfolio of the records")

    def empty(self) -> Network:
        """Give the network of nobody."""
        return self.build(renewed.nobody(self._config.columns.key, self.shown, self.time))

    def build(self, rows: Any) -> Network:
        """Build the network of rows with hashes."""
        return Network(_core.Network.build(open_source(rows), self._plan, INNER_KEY, changing=True))

    def of_state(self, core: State, when: date | None) -> Held:
        """Build the network of all records of a state, as it is at an instant, with its features."""
        names = [self._config.columns.key, *self.shown, *([self.time] if self.time else [])]
        if not core.sizes()[0]:
            return self.of_rows(self.empty, when)
        # As the state gives them: as a frame they would be there twice.
        return self.of_rows(lambda: self.build(core.scan(names)), when)

    def of_rows(self, made: Callable[[], Network], when: date | None) -> Held:
        """Give the network that is `made` as it is at an instant, with its features."""
        core, limit = made()._core, self._limit(when)
        if limit is not None:
            # Of who is too old no features are computed.
            core = core.update(None, INNER_KEY, expire_before=limit)[0]
        core = core.update(None, INNER_KEY, features=self._tau, only=self._only)[0]
        # What was known at a record's own time does not pass away with it.
        apart = self.wanted["at"] and self._part.window_days is not None
        return Held(Network(core), made() if apart else None)

    def after(self, held: Held, delta: pl.DataFrame, when: date | None) -> Moved:
        """Give the network after a delta, and what the delta and the day changed."""
        from creditcore._frame import to_polars

        source, at = open_source(delta) if len(delta) else None, held.at
        tau = self._part.tau if self._sees_few(held, delta) else None
        core, changed, features, then = held.now._core.update(
            source,
            INNER_KEY,
            expire_before=self._limit(when),
            features=self._tau,
            only=self._only,
            then=tau if at is None else None,
        )
        # What was known at a record's own time is asked of the network that lets no record go.
        if at is not None:
            inner, _, _, then = at._core.update(source, INNER_KEY, then=tau)
            at = Network(inner)
        renewed = None if features is None else net_features(features, "now")
        seen = None if then is None else net_features(then, "at")
        return Moved(Held(Network(core), at), to_polars(changed), renewed, seen)

    def views(self, held: Held) -> Iterator[tuple[str, pl.DataFrame]]:
        """Give the features of everybody, by view, as far as they are asked for."""
        if self.wanted["now"]:
            yield "now", held.now.ego_features(view="now", tau=self._part.tau)
        if self.wanted["at"]:
            yield "at", self.at_features(held)

    def at_features(self, held: Held) -> pl.DataFrame:
        """Give the features of everybody as they were known at their own time."""
        network = held.now if held.at is None else held.at
        return network.ego_features(view="at", tau=self._part.tau)

    def _sees_few(self, held: Held, delta: pl.DataFrame) -> bool:
        """Whether only who sees a delta is asked for what was known at the own time, and not everybody."""
        # An identifier of so many people that it is a placeholder would be one at every time.
        if not self.wanted["at"] or self._part.most_people is not None:
            return False
        counts = (held.now if held.at is None else held.at)._core.counts()
        return counts is not None and len(delta) * FEW < counts[0]

    def _limit(self, when: date | None) -> int | None:
        """Give the second before which records are too old to link."""
        days = self._part.window_days
        if days is None:
            return None
        if when is None:
            raise ArgumentError("`window_days` of `[network]` goes by `as_of`; give the instant")
        first = day_of(when, self._config) - timedelta(days=days - 1)
        return max(int(datetime.combine(first, time(), self._config.zone).timestamp()), 0)


@dataclass(frozen=True)
class Held:
    """The network of a version: as of now, and, where a window lets records go, of all of them."""

    now: Network
    at: Network | None


@dataclass(frozen=True)
class Moved:
    """A network after a delta: `changed` as `Network.changed`, `features` those that are others now, None
    where nobody asks for any.

    `then` are features as known at each record's own time, of those of whom they may be others; None where
    everybody is to be asked.
    """

    held: Held
    changed: pl.DataFrame
    features: pl.DataFrame | None
    then: pl.DataFrame | None
