"""Groups: hidden rings among people who share identifiers, with the evidence for each.

Comes in: records with a key and identifiers, or a `Network`; labels, where there are any. Goes out: `Groups`:
judged rings and their members, every other group, the frozen configuration. docs/groups.md says how it works,
how well, and what a ring may be used for: it is a reason to look, never to reject.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.linking.blocklist import Blocklist, listed
from creditcore.linking.identifier_notes import type_notes
from creditcore.linking.labels import known_of, label_rows
from creditcore.linking.lineage import Lineage, follow
from creditcore.linking.network import Network, net_features
from creditcore.linking.plan import Identifiers
from creditcore.linking.ring_pictures import Origin
from creditcore.sources import Records

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from creditcore.linking.person_model import PersonModel
    from creditcore.report.rings import Ring

TAU = 20.0
"""Days in which a tie fades by 1/e."""
PASS_SHARE = 0.016
"""The share of people that the filter lets pass without labels."""
CUT = 0.3
"""The score of a person from which a person model lets pass."""
JUDGED_FROM = {"label_free": 0.5, "model": 0.5, "trees": 0.35}
"""The score of a group from which it is a ring."""
RESOLUTION = {"label_free": 0.5, "model": 1.0, "trees": 1.0}
"""Of clustering, 1 for plain modularity: less gives larger groups."""
SIXTEENTHS = 16
LOOSE = {"label_free": 0.6, "trees": 0.1}
"""Who has so much of the cut, or more, can be in a group; of clusters of a model's scores all reach it."""
SETTINGS = ("tau", "pass_share", "cut", "judged_from", "resolution")


@dataclass(frozen=True)
class Groups:
    """Groups of people; judged rings are those whose score reaches `judged_from`.

    >>> import creditcore as cc
    >>> rows = {"key": list(range(400)), "address": [f"A{home // 2}" for home in range(400)]}
    >>> rows["card"] = ["C7" if 10 <= key < 15 else None for key in range(400)]
    >>> rows["device"] = ["shared" if 10 <= key < 15 else f"D{key}" for key in range(400)]
    >>> groups = cc.find_groups(rows, "key", {"address": "address", "bank_card": "card", "device": "device"})
    >>> groups.members.select("key", "group_id", "level").rows()[:2]
    [(10, 10, 'core'), (11, 10, 'core')]
    >>> groups.summary.select("group_id", "size").rows()
    [(10, 5)]
    """

    config: dict[str, Any]
    """The complete configuration, cut and strengths frozen: the same one gives the same groups."""
    notes: list[str]
    """What was done and why: which score was used, what the guard saw."""
    _members: pl.DataFrame = field(repr=False)
    _summary: pl.DataFrame = field(repr=False)
    _people: pl.DataFrame = field(repr=False)
    _network: _core.Network = field(repr=False)
    _origin: Origin | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Tell how many rings there are, and the most suspect."""
        summary = self.summary
        told = f"{len(summary):,} rings with {int(summary['size'].sum() or 0):,} members"
        return f"<creditcore.Groups: {told}, {len(self._summary):,} groups>\n{summary.head(5)}"

    def _repr_html_(self) -> str:
        """Show the most suspect rings as a table in a notebook."""
        shown = ("group_id", "size", "score", "span_days", "benign", "shared")
        told = f"<p>{len(self):,} rings, {len(self._summary):,} groups</p>"
        return told + self.summary.select(shown).head(20)._repr_html_()

    @property
    def summary(self) -> pl.DataFrame:
        """The judged rings, the most suspect first; columns as in `all()`."""
        judged = self._summary.filter(self._summary["score"] >= self.config["judged_from"])
        return judged.sort("score", descending=True, maintain_order=True)

    @property
    def members(self) -> pl.DataFrame:
        """The members of judged rings: `key, group_id, level, score, reason`; a key is in one ring at most.

        `level` is `seed` (known fraud), `core`, `edge` or `bystander`; `score` the person's, Float64 from 0
        to 1; `reason` counts what is shared, by type, and names nobody.
        """
        return self._members.join(self.summary.select("group_id"), on="group_id", how="semi")

    def all(self) -> pl.DataFrame:
        """Give every group of three or more, judged or not, in the order of their ids.

        Columns: `group_id` (the smallest key of its members), `size`, `score` (0 to 1), `mean_score` of the
        members, `strength` of ties inside by member, `exclusivity` (the share of the members' ties that stays
        inside; `exclusivity_static` without fading), `closure` (the same, of ties to people who passed the
        cut), `several_types` (the share of ties by two types or more), `diversity` (entropy over types, in
        nats), `span_days` (null without times), `known_fraud`, `known_good`, `listed` (members who show an
        identifier of the blocklist), `shared` (by type members on identifiers, and how many members were
        expected to share), `benign` and `benign_score` (0 to 1, the explanation that fits best: household,
        dormitory, shop; null where none fits), `dissolved_by` (how many identifiers hold it together, found
        greedily), `dissolved_types`, `dissolved_degrees`.
        """
        return self._summary

    def all_members(self) -> pl.DataFrame:
        """Give the members of every group, judged or not; columns as in `members`."""
        return self._members

    def people(self) -> pl.DataFrame:
        """Give every person's `key` and `score` (Float64, 0 to 1), in the order of keys."""
        return self._people

    def lineage(self, previous: Lineage | Groups | None = None) -> Lineage:
        """Give the judged rings ids that stay: see `creditcore.linking.lineage`.

        Args:
            previous: the lineage of the groups before, or these groups, whose rings are then numbered from 1.
        """
        before = previous.lineage() if isinstance(previous, Groups) else previous
        members: dict[Any, list[Any]] = {}
        for key, group in self.members.select("key", "group_id").rows():
            members.setdefault(group, []).append(key)
        return follow(members, before)

    def plot(self, group_id: Any) -> Ring:
        """Draw a group: people, what they share, when they came; keys are masked.

        The records are read once more for each type of identifier, with the groups' own configuration.

        Args:
            group_id: of any group, judged or not.

        Returns:
            A `Ring`, which notebooks show; `.svg()` gives the picture, `.page()` a page.

        Raises:
            ArgumentError: no group of this id, or groups that were not found in records (`find_groups`).
        """
        if group_id not in self._summary["group_id"]:
            raise ArgumentError(f"there is no group `{group_id}`; `all()` lists them")
        return self._drawn([group_id])[0]

    def to_html(self, most: int = 20) -> str:
        """Give the most suspect rings as one page: pictures, evidence, masked members; no request, no script.

        Raises:
            ArgumentError: groups that were not found in records, or `most` below 1.
        """
        from creditcore.report.rings import page

        if most < 1:
            raise ArgumentError(f"`most` is {most}; it is 1 or more")
        return page(self._drawn(self.summary["group_id"].head(most).to_list()), len(self))

    def _drawn(self, ids: list[Any]) -> list[Ring]:
        from creditcore.linking.ring_pictures import rings

        if self._origin is None:
            raise ArgumentError("pictures need the records that groups were found in; call `find_groups`")
        return rings(self, self._origin, ids)

    def to_networkx(self, group_id: Any) -> Any:
        """Give a group as a `networkx.Graph` of people and the identifiers that several of them show.

        Nodes are `("person", key)` with `level` and `score`, and `("identifier", hash)` with `type`; edges
        have `role` and `time` (seconds since 1970, None where unknown). Hubs are left out.

        Raises:
            ArgumentError: no group has the id, or networkx is not installed.
        """
        from creditcore.linking.graph_objects import to_networkx

        return to_networkx(*self._graph_of(group_id))

    def to_rustworkx(self, group_id: Any) -> Any:
        """Give a group as a `rustworkx.PyGraph`; nodes and edges carry what `to_networkx` says, as mappings.

        Raises:
            ArgumentError: no group has the id, or rustworkx is not installed.
        """
        from creditcore.linking.graph_objects import to_rustworkx

        return to_rustworkx(*self._graph_of(group_id))

    def _graph_of(self, group_id: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        from creditcore._frame import to_polars

        members = self._members.filter(self._members["group_id"] == group_id)
        if members.is_empty():
            raise ArgumentError(f"no group has the id `{group_id}`; `groups.all()` lists them")
        return members, to_polars(self._network.shared_among(members["key"].to_list()))

    def __len__(self) -> int:
        """How many judged rings there are."""
        return len(self.summary)


def find_groups(
    records: Records,
    key: str,
    identifiers: Identifiers,
    time: str | None = None,
    labels: Any = None,
    config: Mapping[str, Any] | None = None,
    *,
    ring: str | None = None,
    blocklist: Blocklist | None = None,
    key_file: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Groups:
    """Find hidden groups.

    People are filtered first, by a score of their own surroundings, and clustered after. With labels of about
    100 confirmed rings or more the score is that of boosted trees (extra `train`); otherwise it needs none.
    With 250 named rings trees choose and score the groups too, among those that the closest ties join (single
    linkage: Gower and Ross 1969).

    Args:
        records: files or a frame.
        key: the column of keys, 64-bit integers or text; a key is one person of the network.
        identifiers: type to column, or columns; see `Network.build`.
        time: the column of times. Without times bursts cannot be told from slow growth, and less is found.
        labels: a column, or a Boolean series aligned with the rows: true for confirmed fraud, false for
            confirmed good, null for unknown. Of a key's rows one true makes it true.
        config: `tau` (days), `pass_share`, `cut`, `judged_from`, `resolution`, and what `Network.build`
            takes. What is left out is learned (strengths of types, the cut) or has its default.
            `groups.config` of an earlier call freezes everything.
        ring: the column that names the confirmed ring of a confirmed fraud, integers or text, null for none.
        blocklist: by type the values that are known as bad, such as `{"device": ["D-77"]}`. Who shows one
            passes the filter, and suspicion spreads from there as from known fraud: a hit is evidence of
            a ring, not of the person.
        key_file: the key of the hashes, see `Network.build`.
        threads: one for each processor by default; they change nothing.

    Raises:
        ArgumentError: a setting outside of what is allowed; labels of another length than the rows.
        SchemaError: a column that is missing, or of a type that its role does not allow.
        SourceError: a null key, or a value that is refused.
    """
    if labels is None and ring is not None:
        raise ArgumentError(f"`ring` names `{ring}` for the rings of confirmed fraud; give `labels` too")
    own, rest = _split(config)
    network = Network.build(records, key, identifiers, time, rest, key_file=key_file, threads=threads)
    if not rest.get("strengths"):
        network = network.fit()
    known = None if labels is None else label_rows(records, key, labels, ring)
    if known is not None:
        from creditcore.linking.person_model import learn

        model, notes = learn(network, known, own.get("tau", TAU), threads=threads)
    else:
        model, notes = None, []
    found = find_in(
        network._core,
        known,
        own,
        model=model,
        notes=notes,
        blocklist=blocklist,
        key_file=key_file,
        threads=threads,
    )
    return replace(found, _origin=Origin(records, key, identifiers, time))


def _split(config: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the settings of detection from those of the network, and check the former."""
    told = dict(config or {})
    own = {name: told.pop(name) for name in SETTINGS if name in told}
    for name, value in own.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ArgumentError(f"`{name}` is `{value!r}`; it is a number")
    bounds = {"pass_share": (0.0, 1.0), "judged_from": (0.0, 1.0), "resolution": (1 / SIXTEENTHS, 64.0)}
    for name, (low, high) in bounds.items():
        value = own.get(name)
        if value is not None and not low <= value <= high:
            raise ArgumentError(f"`{name}` is `{value}`; it lies from {low} to {high}")
    return own, told


def column(table: _core.Table) -> NDArray[np.float64]:
    """Give the only column of a native table."""
    from creditcore._frame import to_polars

    return to_polars(table).to_series().to_numpy()


def find_in(
    network: _core.Network,
    labels: pl.DataFrame | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    model: PersonModel | None = None,
    notes: list[str] | None = None,
    blocklist: Blocklist | None = None,
    key_file: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Groups:
    """Find the groups of a network as it is; nothing is learned but, where `config` has none, the cut.

    Args:
        network: people and links; its strengths are used as they are.
        labels: `key` and `label` (1, 0, null); known fraud spreads to its partners, halved with each hop.
        config: the settings of detection, see `find_groups`.
        model: scores people, if its guard lets it.
        notes: what was said before.
        blocklist: by type the values that are known as bad.
        key_file: the key that the network was made with; a blocklist needs it.
        threads: one for each processor by default.
    """
    from creditcore._frame import to_frame, to_polars

    settings, _ = _split(config)
    said = list(notes or [])
    detection = _core.Detection.of(network, settings.get("tau", TAU), False, threads=threads)
    features = to_polars(detection.features())
    people = features["key"]
    known = known_of(people, labels)
    scores, cut, used = None, settings.get("cut"), "label_free"
    if model is not None:
        scores, cut, told = model.guarded(detection, features, settings.get("cut"), threads=threads)
        said.append(told)
        used = "label_free" if scores is None else "model"
    if scores is None:
        plain = column(detection.label_free())
        share = settings.get("pass_share", PASS_SHARE)
        cut = settings.get("cut") if model is None else None
        cut = _core.cut_of(plain, share) if cut is None else float(cut)
        scores, bound = column(_core.suspicion(plain, cut)), 0.5
    else:
        assert cut is not None
        bound = cut
    hits = None if blocklist is None else listed(network, detection, blocklist, key_file)
    seeds = known == 1 if hits is None else (known == 1) | (hits > 0)
    if seeds.any():
        scores = scores.clip(min=column(detection.spread(seeds.astype("int8"))))
    given = judged = None
    if used == "model" and model is not None and model.group_trees is not None:
        used, bound = "trees", bound * LOOSE["trees"]
        given, judged = model.group_trees.find(detection, features, scores, bound, threads=threads)
    resolution = settings.get("resolution", RESOLUTION[used])
    sixteenths = max(round(resolution * SIXTEENTHS), 1)
    members, rings = detection.rings(
        scores,
        known,
        bound,
        sixteenths,
        loose=bound * LOOSE[used] if used == "label_free" else None,
        given=given,
        listed=hits,
        learned=used != "label_free",
        threads=threads,
    )
    summary = to_polars(rings)
    if judged is not None:
        summary = summary.with_columns(to_frame({"score": judged})["score"])
    if hits is not None:
        said.append(f"blocklist: {int((hits > 0).sum()):,} people show a listed identifier")
    said += type_notes(network)
    complete = {
        **json.loads(network.plan())["config"],
        "tau": settings.get("tau", TAU),
        "pass_share": settings.get("pass_share", PASS_SHARE),
        "cut": cut,
        "resolution": sixteenths / SIXTEENTHS,
        "judged_from": settings.get("judged_from", JUDGED_FROM[used]),
    }
    rows = people.to_frame("key").with_columns(people.clone().alias("key"))
    rows = rows.insert_column(1, _score_column(rows, scores))
    return Groups(complete, said, to_polars(members), summary, rows, network)


def _score_column(rows: pl.DataFrame, scores: NDArray[np.float64]) -> pl.Series:
    from creditcore._frame import to_frame

    assert len(rows) == len(scores)
    return to_frame({"score": scores})["score"]


def ego_features(
    network: _core.Network, *, view: str, tau: float, threads: int | None = None
) -> pl.DataFrame:
    """Compute features of surroundings; what `Network.ego_features` gives."""
    if view not in ("now", "at"):
        raise ArgumentError(f"`view` is `{view}`; allowed are `now` and `at`")
    return net_features(_core.Detection.of(network, tau, view == "at", threads=threads).features(), view)
