"""Linking: people, the identifiers that they share, and what is connected.

Comes in: records with a key and identifiers (devices, phones, cards, addresses). Goes out: connected
components, and a `Network`, which answers who is near whom and takes changes. Keys are 64-bit integers or
text, identifiers text or integers in any column or list column; placeholders such as `unknown` or
`13800138000` link nobody. A `Network` keeps hashes of the identifiers, never the identifiers themselves.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.hash_keys import hash_key
from creditcore.linking.plan import Identifiers, make_plan
from creditcore.linking.surroundings import Surroundings
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl


def components(
    records: Records,
    key: str,
    identifiers: Identifiers,
    cap: int | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Find the connected components of people over the identifiers that they share.

    Two people are connected where both show an identifier of one type; the rows of a key are one person, and
    one without identifiers is a component alone. Types take turns: 12 bytes wait for each link of a turn.

    Args:
        records: files or a frame.
        key: the column of keys, 64-bit integers or text.
        identifiers: by name the column, the columns (a list column holds several values), or a mapping with
            `columns` and any of `type`, `role` and `normaliser`. The name says how values are brought to
            one spelling: see `docs/network.md`.
        cap: people up to which an identifier links them; every identifier links by default.
        config: `placeholders` by type; `most_people` beyond which an identifier is a placeholder.
        threads: one for each processor by default; they change nothing.

    Returns:
        A frame with `key`, each once in the order of its first row, and `component`, the smallest key of its
        set (integers compared as integers, text as bytes); both of the type Int64, UInt64 or String.

    Raises:
        ArgumentError: no identifiers, a name declared twice, a cap below 1.
        SchemaError: a column that is missing, or of a type that cannot be a key or an identifier.
        SourceError: a null key, a number with a fraction as an identifier; with its row.

    The union over people only, with the first one seen owning an identifier, uses Rem's algorithm with
    splicing (Patwary, Blair, Manne: Experiments on union-find algorithms, 2010).

    >>> import creditcore as cc
    >>> frame = {"key": [3, 1, 2], "device": ["d1", "D1", "d2"], "phone": ["138 0000 1111", None, "unknown"]}
    >>> cc.components(frame, "key", {"device": "device", "phone": "phone"}).rows()
    [(3, 1), (1, 1), (2, 2)]
    """
    from creditcore._frame import to_polars

    if cap is not None and cap < 1:
        raise ArgumentError(f"`cap` is {cap}; it is 1 or more, or None for no cap")
    plan = make_plan(key, identifiers, None, config)
    source = open_source(records)
    table, _ = _core.components(source, plan, hash_key(), cap=cap, threads=threads)
    return to_polars(table)


class Sizes(NamedTuple):
    """How large a network is."""

    people: int
    identified: int
    """Links of all identifiers, those that nobody shares and hubs included."""
    identifiers: int
    """Identifiers of 2 people up to the cap of their type."""
    links: int
    """Links of these identifiers."""
    link_bytes: int
    """Bytes in memory of people, identifiers and links in both directions."""


class Network(Surroundings):
    """People, the identifiers that they share, and the links between them; immutable, safe from many threads.

    Identifiers are kept as keyed 64-bit hashes. One that nobody shares links nobody; one of more people than
    the cap of its type is a hub: it counts in `components` without a cap, and nowhere else.

    Memory: 14 bytes a link for the records, and about 6 more for the graph, where a third of the links are of
    shared identifiers; 20 bytes a person. After updates about 40 bytes a link instead, both where the network
    is asked as a whole, and with kept features 200 a person more.

    >>> import creditcore as cc
    >>> rows = {"key": ["a", "b", "c"], "device": ["d1", "d1", "d2"], "phone": ["12000000001", None, None]}
    >>> rows["contact"] = [None, None, "+86 120 0000 0001"]
    >>> columns = {"device": "device", "phone": "phone", "contact": "contact"}
    >>> network = cc.Network.build(rows, "key", columns)
    >>> network.path("b", "c").select("key", "type").rows()
    [('b', 'device'), ('a', 'phone'), ('c', None)]
    >>> after = network.update({"key": ["a"], "op": ["delete"], **{name: [None] for name in columns}})
    >>> after.changed.rows(), after.components().rows()
    ([('a', 'deleted')], [('b', 'b'), ('c', 'c')])
    """

    def __init__(
        self,
        core: _core.Network,
        changed: pl.DataFrame | None = None,
        features: pl.DataFrame | None = None,
    ) -> None:
        """Wrap the native network; made by `build` and `from_bytes`."""
        self._core = core
        self._changed = changed
        self._features = features

    @classmethod
    def build(
        cls,
        records: Records,
        key: str,
        identifiers: Identifiers,
        time: str | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        key_file: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Network:
        """Build a network; nothing is learned from the records.

        Args:
            records: files or a frame.
            key: the column of keys, 64-bit integers or text.
            identifiers: as in `components`.
            time: the column of times (times, dates, ISO 8601 text, or integers: days since 1970), 1970 to
                2106; naive ones are taken as UTC. A link has the first time of a row that shows it, a person
                the time of its latest row.
            config: `caps` and `strengths` by type, `placeholders` by type, `most_people`; what is left out
                has the defaults of `docs/network.md`.
            key_file: the key of the hashes, see `creditcore.hash_keys`.
            threads: one for each processor by default; they change nothing.

        Raises:
            ArgumentError: no identifiers, a name declared twice, a configuration that is refused.
            SchemaError: a column that is missing, or of a type that its role does not allow.
            SourceError: a null key, a time out of range, a number with a fraction as an identifier.
        """
        plan = make_plan(key, identifiers, time, config)
        return cls(_core.Network.build(open_source(records), plan, hash_key(key_file), threads=threads))

    def __repr__(self) -> str:
        """Tell what there is, without making the network as a whole."""
        counts = self._core.counts()
        told = f"{counts[0]:,} people, {counts[1]:,} links" if counts else "a version before an update"
        types = ", ".join(self.plan["config"]["strengths"])
        return f"<creditcore.Network: {told}; {types}>"

    @property
    def plan(self) -> dict[str, Any]:
        """What the network was built by: `key`, `time`, `identifiers` and `config`."""
        plan: dict[str, Any] = json.loads(self._core.plan())
        return plan

    @property
    def config(self) -> dict[str, Any]:
        """The complete configuration, as `build` takes it: caps and strengths of every type, placeholders."""
        config: dict[str, Any] = self.plan["config"]
        return config

    @property
    def sizes(self) -> Sizes:
        """How many people, identifiers and links there are."""
        return Sizes(*self._core.sizes())

    @property
    def placeholders(self) -> dict[str, dict[str, int]]:
        """Values that link nobody, by type, and how often the rows read last showed them; `null` for none."""
        return self._core.placeholders()

    @property
    def changed(self) -> pl.DataFrame:
        """What the update that made this network changed: `key` and `change`, in the order of keys.

        A change is `inserted`, `changed`, `deleted` or `expired`.

        Raises:
            ArgumentError: no update made this network.
        """
        if self._changed is None:
            raise ArgumentError("no update made this network; `changed` is there after `update`")
        return self._changed

    @property
    def changed_features(self) -> pl.DataFrame:
        """The features that the update that made this network changed, as `ego_features` has them.

        A frame with `key`, ascending, and all `net_now_*` of each record of which one is another than before,
        new records included; who is gone is in `changed`. After updates that did not ask for them it lists
        what became another in these too.

        Raises:
            ArgumentError: no update with `features=True` made this network.
        """
        if self._features is None:
            raise ArgumentError(
                "no features were kept; `changed_features` is there after `update(..., features=True)`"
            )
        return self._features

    def components(self, cap: int | None = None, *, threads: int | None = None) -> pl.DataFrame:
        """Find the connected components.

        Args:
            cap: people up to which an identifier links them; every identifier links by default, hubs too.
            threads: one for each processor by default.

        Returns:
            A frame with `key`, ascending, and `component`, the smallest key of its set.

        Raises:
            ArgumentError: a cap below 1.
        """
        from creditcore._frame import to_polars

        if cap is not None and cap < 1:
            raise ArgumentError(f"`cap` is {cap}; it is 1 or more, or None for no cap")
        return to_polars(self._core.components(cap=cap, threads=threads))

    def neighbours(self, key: int | str, hops: int = 1) -> pl.DataFrame:
        """Find the people within so many hops over shared identifiers that are no hubs.

        Returns:
            A frame with `key` and `hops`, the nearest first, then by key; without the person itself.

        Raises:
            ArgumentError: no record has the key, or `hops` is below 1.
        """
        from creditcore._frame import to_polars

        if hops < 1:
            raise ArgumentError(f"`hops` is {hops}; it is 1 or more")
        return to_polars(self._core.neighbours(key, hops))

    def path(self, a: int | str, b: int | str) -> pl.DataFrame:
        """Find a shortest path between two people over shared identifiers that are no hubs.

        Returns:
            A frame with a row for each person from `a` to `b`: `key`; of the identifier that it shares with
            the next one `type`, `identifier` (its hash, hexadecimal) and `people` (how many show it), null in
            the last row. Empty where there is no path.

        Raises:
            ArgumentError: no record has one of the keys.
        """
        from creditcore._frame import to_polars

        return to_polars(self._core.path(a, b))

    def hubs(self) -> pl.DataFrame:
        """List the identifiers of more people than the cap of their type.

        Returns:
            A frame with `type`, `identifier` (its hash, hexadecimal) and `people`, a type's largest first.
        """
        from creditcore._frame import to_polars

        return to_polars(self._core.hubs())

    def update(
        self,
        delta: Records | None = None,
        *,
        expire_before: datetime.date | None = None,
        features: bool = False,
        tau: float = 20.0,
        key_file: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Network:
        """Give the network after a delta: equal, to the last byte, to one built of the records left.

        The first update takes the records up in a form that changes in place; every later one of the newest
        network costs what the delta touches. This network stays as it is: asked for anything after the
        update, it copies the newest one and takes back what came between, so a loop drops it (`network =
        network.update(delta)`). What is asked of a network as a whole (`to_bytes`, `components`, `sizes`,
        `neighbours`, groups) makes it as a whole again, as `build` does without reading.

        Args:
            delta: rows with the records' columns. They replace the record of their key, or insert it; `op`
                (optional) says `upsert` or `delete`, and a `delete` undoes the rows before it. With a column
                `version` only the rows of a key's highest version count.
            expire_before: a date or a time (naive: UTC); records whose latest row is earlier are removed. A
                record without a time stays.
            features: keep the features `net_now_*` from now on, and give in `changed_features` those that are
                others than before. The first such update computes the features of all; a later update without
                it leaves renewing to the next that asks, or to whoever asks for features.
            tau: days in which a tie fades by 1/e, for these features.
            key_file: the key that the network was made with, see `creditcore.hash_keys`.
            threads: one for each processor by default.

        Returns:
            A new network; `changed` lists the records that it changed. `placeholders` are those of the delta.

        Raises:
            ArgumentError: another hash key than the network's, or a `tau` that is not above 0.
            SchemaError, SourceError: as in `build`, or an `op` that is not known.
        """
        from creditcore._frame import to_polars

        limit = None if expire_before is None else _seconds(expire_before)
        source = None if delta is None else open_source(delta)
        core, changed, renewed, _ = self._core.update(
            source,
            hash_key(key_file),
            expire_before=limit,
            features=tau if features else None,
            threads=threads,
        )
        frame = None if renewed is None else net_features(renewed, "now")
        return Network(core, to_polars(changed), frame)

    def to_bytes(self) -> bytes:
        """Give the byte form (`docs/formats/network.md`): equal networks have equal bytes.

        It holds no identifier, only hashes, and not the key of the hashes: to update a network in another
        process, give both the same key.
        """
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, *, threads: int | None = None) -> Network:
        """Read the byte form.

        Raises:
            FormatError: bytes that were changed, cut short or are of another version.
        """
        return cls(_core.Network.from_bytes(data, threads=threads))


def net_features(table: _core.Table, view: str) -> pl.DataFrame:
    """Give features as a frame, their names behind `net_now_` or `net_at_`."""
    from creditcore._frame import to_polars

    frame = to_polars(table)
    # Renaming would plan a query, which takes longer than renewing the features of one application.
    frame.columns = [name if name == "key" else f"net_{view}_{name}" for name in frame.columns]
    return frame


def _seconds(when: datetime.date) -> int:
    """Give an instant in seconds since 1970 (UTC)."""
    if not isinstance(when, datetime.datetime):
        when = datetime.datetime.combine(when, datetime.time.min)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    seconds = -int(-when.timestamp() // 1)
    if not 0 <= seconds < 2**32 - 1:
        raise ArgumentError(f"`expire_before` is {when.isoformat()}; it lies between 1970 and 2106")
    return seconds
