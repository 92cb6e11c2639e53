"""Trees that tell a ring's ties from others, and a ring from other groups, learned from confirmed rings.

Comes in: a detection, people's scores by a model, confirmed rings. Goes out: `GroupTrees`, and disjoint
groups with a score each. Ties between people who pass a loose filter get a closeness, what trees hold of both
ends being of one ring. People are joined by their closest ties first, and every group on the way is a
candidate (`nested.py`). Other trees say of each by how much it will match a ring (Jaccard: the members of
both by those of either); from the best down, those that share nobody with one before are the groups.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from creditcore.linking.boosting import predict, train
from creditcore.linking.nested import Nested, nested

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from creditcore import _core

CLOSE = 0.1
"""Ties join from this closeness on."""
LEAST_MEMBERS = 3
NO_GROUP = 2**32 - 1
HANG_TOGETHER = 0.05
"""Groups of people from this score on are parted as one, to be scored by models that did not see them."""
FLOOR = 1e-3
OF_GROUPS = {
    "objective": "cross_entropy",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
}
OF_TIES = {"min_data_in_leaf": 30}


class Ties(NamedTuple):
    """Ties between people who pass: their ends, as numbers of people, and what trees go by."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    told: pl.DataFrame
    """What the core tells of each."""
    rows: NDArray[np.float64]


@dataclass(frozen=True)
class GroupTrees:
    """Trees of ties and trees of groups, as text."""

    ties: str
    groups: str
    columns: list[str]
    """What the core tells of ties, in the order of the trees."""

    def to_json(self) -> str:
        """Give the trees as text."""
        return json.dumps(asdict(self))

    def find(
        self,
        detection: _core.Detection,
        features: pl.DataFrame,
        scores: NDArray[np.float64],
        cut: float,
        *,
        threads: int | None = None,
    ) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Find groups among the people who pass a loose filter.

        Args:
            detection: of the network.
            features: of its people.
            scores: theirs, by the model.
            cut: of the loose filter.
            threads: of ties one for each processor by default, of trees one.

        Returns:
            For each person the number of its group, `NO_GROUP` for none; groups are numbered by their
            smallest keys. For each group its score.
        """
        ties = ties_of(detection, features, scores, cut, self.columns, threads=threads)
        closeness = predict(self.ties, ties.rows, threads)
        tree, figures = candidates(ties, features, scores, closeness)
        large = np.flatnonzero(tree.size >= LEAST_MEMBERS)
        score = predict(self.groups, figures[large], threads)
        kept = tree.chosen(large, score)
        members = [tree.members(node) for node in kept.tolist()]
        own = score[np.searchsorted(large, kept)]
        first = np.argsort([people[0] for people in members]) if members else kept
        group = np.full(len(scores), NO_GROUP, dtype=np.uint32)
        for number, place in enumerate(first.tolist()):
            group[members[place]] = number
        return group, own[first]


def ties_of(
    detection: _core.Detection,
    features: pl.DataFrame,
    scores: NDArray[np.float64],
    cut: float,
    columns: list[str] | None = None,
    *,
    threads: int | None = None,
) -> Ties:
    """Find the ties between people who pass, and what trees go by: of the tie, and of both ends alike."""
    from creditcore._frame import to_polars

    told = to_polars(detection.pairs(scores, cut, threads=threads))
    one, other = (told[name].to_numpy().astype(np.int64) for name in ("one", "other"))
    told = told.drop("one", "other")
    names = told.columns if columns is None else columns
    told = told.select(names)
    strength = features["strength"].to_numpy().astype(np.float64) + FLOOR
    partners = features["partners"].to_numpy().astype(np.float64)
    triangles = features["triangles"].to_numpy().astype(np.float64)
    faded = told["faded"].to_numpy().astype(np.float64)
    inside = np.bincount(np.concatenate([one, other]), np.tile(faded, 2), len(scores))
    passing = inside / strength

    def both(column: NDArray[Any]) -> list[NDArray[np.float64]]:
        return [np.minimum(column[one], column[other]), np.maximum(column[one], column[other])]

    def parts(whole: NDArray[Any]) -> list[NDArray[np.float64]]:
        low, high = both(whole)
        return [faded / high, faded / low]

    plain = [name for name in names if not name.endswith("_day")]
    types = sum(
        (told[name].to_numpy() > 0).astype(np.float64) for name in names[8:] if name.endswith("_shared")
    )
    made = [
        *(told[name].to_numpy().astype(np.float64) for name in plain),
        types,
        *both(scores),
        scores[one] * scores[other],
        *parts(strength),
        *parts(inside + FLOOR),
        *both(partners),
        *both(triangles),
        *both(passing),
    ]
    return Ties(one, other, told, np.stack(made, axis=1) if len(one) else np.zeros((0, len(made))))


def candidates(
    ties: Ties, features: pl.DataFrame, scores: NDArray[np.float64], closeness: NDArray[np.float64]
) -> tuple[Nested, NDArray[np.float64]]:
    """Nest the people with close ties; gives the nodes and figures of each, groups and people alone."""
    close = closeness >= CLOSE
    one, other, closeness = ties.one[close], ties.other[close], closeness[close]
    tree = nested(one, other, closeness)
    count, people = len(tree.people), tree.people
    ends = np.concatenate([np.searchsorted(people, one), np.searchsorted(people, other)])

    def told(name: str) -> NDArray[np.float64]:
        return ties.told[name].to_numpy().astype(np.float64)[close]

    score, faded, shared = scores[people], told("faded"), told("shared")
    day = np.full(count, np.nan)
    day[ends] = np.concatenate([told("one_day"), told("other_day")])
    dated = ~np.isnan(day)
    # Days from the first, so that their squares stay exact.
    since = np.where(dated, day - (day[dated].min() if dated.any() else 0.0), 0.0)
    strength = features["strength"].to_numpy().astype(np.float64)[people]
    own = np.stack(
        [
            score,
            _log_odds(score),
            score > 0.5,
            strength,
            np.bincount(ends, np.tile(closeness, 2), count),
            np.bincount(ends, np.tile(faded, 2), count),
            dated,
            since,
            since**2,
        ],
        axis=1,
    )
    kinds = [name for name in ties.told.columns[8:] if name.endswith("_shared")]
    typed = np.stack([told(name) > 0 for name in kinds], axis=1) if kinds else np.zeros((len(one), 0))
    several = typed.sum(axis=1) > 1
    within = np.column_stack(
        [np.ones(len(one)), closeness, _log_odds(closeness), faded, shared, several, several * faded, typed]
    )
    least, most = tree.extremes(np.stack([score, day], axis=1))
    return tree, _figures(tree, tree.sums(own, within), least, most)


def _log_odds(share: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = share.clip(FLOOR, 1.0 - FLOOR)
    return np.log(kept / (1.0 - kept))


def _figures(
    tree: Nested, sums: NDArray[np.float64], least: NDArray[np.float64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give what trees go by of each node, of its sums over people and over the ties inside."""
    (score, odds, sure, strength, close_all, faded_all, dated, days, squares) = sums[:, :9].T
    (ties, close, tie_odds, faded, shared, several, several_faded) = sums[:, 9:16].T
    size, count = tree.size.astype(np.float64), len(tree.people)
    above = np.where(tree.above >= 0, tree.closeness[tree.above], 0.0)
    one, other = tree.joined.T
    beside, smaller, kept = np.zeros(len(size)), np.zeros(len(size)), np.ones(len(size))
    beside[one], beside[other] = size[other], size[one]
    smaller[count:] = np.minimum(size[one], size[other])
    kept[count:] = np.minimum(tree.closeness[one], tree.closeness[other])
    some, whole = np.maximum(ties, 1.0), np.maximum(faded, FLOOR)
    known = np.maximum(dated, 1.0)
    spread = np.sqrt(np.maximum(squares / known - (days / known) ** 2, 0.0))
    figures = [
        size,
        score / size,
        odds / size,
        sure / size,
        score,
        size - score,
        least[:, 0],
        most[:, 0],
        tree.closeness,
        above,
        tree.closeness - above,
        beside,
        kept,
        smaller,
        ties,
        ties / size,
        2.0 * ties / np.maximum(size * (size - 1.0), 1.0),
        close / some,
        close / size,
        tie_odds / some,
        faded / size,
        shared / some,
        2.0 * faded / (strength + FLOOR),
        2.0 * faded / (faded_all + FLOOR),
        2.0 * close / (close_all + FLOOR),
        close_all - 2.0 * close,
        several / some,
        several_faded / whole,
        most[:, 1] - least[:, 1],
        spread,
        *(sums[:, 16:] / some[:, None]).T,
    ]
    return np.stack(figures, axis=1)


def fit(
    detection: _core.Detection,
    features: pl.DataFrame,
    scores: NDArray[np.float64],
    cut: float,
    ring: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    threads: int | None = None,
) -> GroupTrees | None:
    """Fit trees of ties and of groups; none where no group can be told.

    Args:
        detection: of the network that the labels speak of.
        features: of its people.
        scores: theirs, each by a model that has not seen the person's ring.
        cut: of the loose filter.
        ring: the number of each person's confirmed ring, -1 for none, -2 where it is not known.
        fold: 0 or 1; who is of one ring is of one fold.
        threads: of ties one for each processor by default, of trees one.
    """
    ties = ties_of(detection, features, scores, cut, threads=threads)
    ends = ring[ties.one], ring[ties.other]
    together = ((ends[0] == ends[1]) & (ends[0] >= 0)).astype(np.float64)
    sizes = np.bincount(ring[ring >= 0], minlength=1)
    # A ring of many has ties by the square of them.
    weight = np.where(ends[0] >= 0, 1.0 / np.sqrt(sizes[ends[0]].clip(1)), 1.0)
    known = (ends[0] > -2) & (ends[1] > -2)

    def of_ties(used: NDArray[np.bool_]) -> str:
        return train(ties.rows[used], together[used], weight[used], threads, changed=OF_TIES)

    closeness = np.zeros(len(together))
    for held in (0, 1):
        own = fold[ties.one] == held
        closeness[own] = predict(of_ties(known & ~own), ties.rows[own], threads)
    tree, figures = candidates(ties, features, scores, closeness)
    match, told = matches(tree, ring)
    used = (tree.size >= LEAST_MEMBERS) & told
    if not used.any():
        return None
    groups = train(figures[used], match[used], np.ones(int(used.sum())), threads, changed=OF_GROUPS)
    return GroupTrees(of_ties(known), groups, ties.told.columns)


def matches(tree: Nested, ring: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give by how much each node matches the ring that it matches best, and whether enough is known to tell.

    People of whom it is not known count neither way; no more than half of a node's may be such.
    """
    sizes = np.bincount(ring[ring >= 0], minlength=1)
    count = len(tree.people)
    own = ring[tree.people].tolist()
    held: list[dict[int, int]] = [{number: 1} if number >= 0 else {} for number in own]
    unknown = np.zeros(len(tree.size))
    unknown[:count] = [number == -2 for number in own]
    match = np.zeros(len(tree.size))
    for node, (one, other) in enumerate(tree.joined.tolist(), count):
        unknown[node] = unknown[one] + unknown[other]
        fewer, more = sorted((held[one], held[other]), key=len)
        both = dict(more)
        for number, members in fewer.items():
            both[number] = both.get(number, 0) + members
        held.append(both)
        seen = tree.size[node] - unknown[node]
        shares: list[Any] = [members / (sizes[number] + seen - members) for number, members in both.items()]
        match[node] = max(shares, default=0.0)
    return match, 2.0 * unknown <= tree.size


def rings_of(people: pl.Series, labels: pl.DataFrame, known: NDArray[np.int8]) -> NDArray[np.int64] | None:
    """Give the number of each person's named ring: -1 for known good, -2 where none is known.

    None where labels name no rings. Rings are numbered by their first members, so that their names change
    nothing. Of a key's several names the last in order counts, and none of who is not known as fraud.
    """
    if "ring" not in labels.columns:
        return None
    one = labels.select("key", "ring").drop_nulls("ring").group_by("key").max()
    one = one.with_columns(one["key"].cast(people.dtype))
    named = people.to_frame("key").join(one, on="key", how="left", maintain_order="left")["ring"]
    held = (known == 1) & named.is_not_null().to_numpy()
    ring = np.where(known == 0, -1, -2).astype(np.int64)
    names = named.to_numpy()[held]
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    ring[held] = np.argsort(np.argsort(first))[number]
    return ring


def folds(
    detection: _core.Detection,
    people: pl.Series,
    scores: NDArray[np.float64],
    ring: NDArray[np.int64],
    threads: int | None,
) -> NDArray[np.int64]:
    """Part people in two: named rings by turns, groups of others by turns, and everybody else by turns.

    Who hangs together with people who were learned from is scored as they are.
    """
    from creditcore._frame import to_polars

    nothing = np.full(len(ring), -1, dtype=np.int8)
    members, rings = detection.rings(scores, nothing, HANG_TOGETHER, 16, learned=True, threads=threads)
    together, groups = to_polars(members), to_polars(rings)
    fold = np.arange(len(ring))
    place = np.searchsorted(people.to_numpy(), together["key"].to_numpy())
    fold[place] = np.searchsorted(groups["group_id"].to_numpy(), together["group_id"].to_numpy())
    return np.where(ring >= 0, ring, fold) % 2


def scored_by_others(
    score: Callable[[NDArray[np.int8]], NDArray[np.float64]],
    known: NDArray[np.int8],
    fold: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Give everybody's score by a model of the other fold; `score` fits one to those who are known."""
    scores = np.zeros(len(known))
    for held in (0, 1):
        own = fold == held
        scores[own] = score(np.where(own, -1, known).astype(np.int8))[own]
    return scores
