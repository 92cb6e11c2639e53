"""A made-up graph of credit applications: who shows which identifiers, on which day, with planted rings.

Comes in: a number of people, a seed, a timing regime. Goes out: a `CreditGraph`, one row for each person,
some eleven identifiers in each row. It is what finders of rings are measured on: benign people hang together
through households, contacts, carriers and public networks; dormitories, extended families and dealers' shops
look like rings; rings (`planted_rings.py`) share less than one would like.

| type | columns | whom it links |
|---|---|---|
| `identity_card` | 1 | one person; 0.1 % are slips of the pen that meet another's |
| `phone` | own, second, two contacts | a contact is the phone of a housemate, a friend, or nobody here |
| `device` | 2 | households, second-hand devices, a dealer's tablet |
| `bank_card` | 2 | its owner, seldom a spouse |
| `ip` | 3 | the home, the workplace, public networks, a carrier's gateways (hubs of a tenth of all people) |
| `address` | 1 | the household, a dormitory |
| `company` | 1 | colleagues |

Timing: `bursts` (rings apply within 3 to 90 days, others when they like), `waves` (benign groups come in
waves of their own), `none` (no time stamps at all).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creditcore.errors import ArgumentError

if TYPE_CHECKING:
    import polars as pl

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

DAYS = 365
TIMINGS = ("bursts", "waves", "none")
COLUMNS = {
    "identity_card": ["identity_card"],
    "phone": ["phone", "second_phone", "contact", "second_contact"],
    "device": ["device", "second_device"],
    "bank_card": ["bank_card", "second_bank_card"],
    "ip": ["ip", "second_ip", "third_ip"],
    "address": ["address"],
    "company": ["company"],
}
"""The columns of each type of identifier: what `find_groups` takes as `identifiers`."""

HOME_SIZES = (0.25, 0.25, 0.24, 0.15, 0.07, 0.04)
TOWN = 6_000
DORMITORY, FAMILY, SHOP = 1, 2, 3
"""Kinds of benign groups that look like rings."""
LOOKALIKES = {DORMITORY: (0.015, 20, 200), FAMILY: (0.03, 6, 20), SHOP: (0.02, 15, 250)}
"""For each kind the share of people, the least and the greatest size."""
FRESH = 1 << 40
"""Numbers above this are drawn for one person alone."""


@dataclass(frozen=True)
class CreditGraph:
    """People and what they show; arrays have a row for each person."""

    key: Ids
    day: Ids | None
    """Days from 0; None where there are no time stamps."""
    columns: dict[str, Ids]
    """Numbers of identifiers, -1 for none; equal numbers of one type are one identifier."""
    ring: Ids
    """The ring of each person, -1 for none."""
    recruited: Mask
    difficulty: Ids
    """For each ring: 0, 1, 2, where 80, 50, 25 % of members show a shared identifier."""

    def __len__(self) -> int:
        """People."""
        return len(self.key)

    @property
    def links(self) -> int:
        """Identifiers shown, over all people."""
        return sum(int((column >= 0).sum()) for column in self.columns.values())

    def frame(self) -> pl.DataFrame:
        """Give the people as a frame: `key`, `day` (Date, where there are stamps), identifiers as Int64."""
        import polars as pl

        columns = {"key": pl.Series(self.key)}
        if self.day is not None:
            columns["day"] = pl.Series(self.day.astype(np.int32) + 18_262).cast(pl.Date)
        for name, numbers in self.columns.items():
            columns[name] = pl.Series(numbers)
        frame = pl.DataFrame(columns)
        names = list(self.columns)
        return frame.with_columns(pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in names)


@dataclass(frozen=True)
class Society:
    """Benign people: their homes, towns and look-alike groups."""

    home: Ids
    town: Ids
    kind: Ids
    group: Ids
    """The number of the look-alike group of each person, -1 for none."""


def draw_graph(people: int, seed: int = 1, timing: str = "bursts") -> CreditGraph:
    """Draw a graph.

    Args:
        people: how many; 1,000 at least.
        seed: the same seed gives the same graph.
        timing: `bursts`, `waves` or `none`.

    Raises:
        ArgumentError: an argument outside of what is allowed.
    """
    from creditcore.bench.planted_rings import plant

    if people < 1_000:
        raise ArgumentError(f"`people` is {people}; give 1,000 or more, of which 1.5 % are in rings")
    if timing not in TIMINGS:
        raise ArgumentError(f"`timing` is `{timing}`; allowed are {', '.join(TIMINGS)}")
    random = np.random.default_rng([seed, people])
    society = _society(random, people)
    columns = _identifiers(random, society)
    day = _days(random, society, timing)
    ring, recruited, difficulty = plant(random, society, columns, day)
    order = random.permutation(people)
    return CreditGraph(
        key=np.arange(people, dtype=np.int64),
        day=None if timing == "none" else day[order],
        columns={name: numbers[order] for name, numbers in columns.items()},
        ring=ring[order],
        recruited=recruited[order],
        difficulty=difficulty,
    )


def _society(random: np.random.Generator, people: int) -> Society:
    """Homes of one to six, towns of some thousands, and who belongs to a look-alike."""
    sizes = random.choice(len(HOME_SIZES), size=people, p=HOME_SIZES) + 1
    home = np.repeat(np.arange(people), sizes)[:people]
    town = np.arange(people) // TOWN
    kind = np.zeros(people, dtype=np.int64)
    group = np.full(people, -1, dtype=np.int64)
    numbered = 0
    for which, (share, least, most) in LOOKALIKES.items():
        # Neighbours by number are of one town: a block of them becomes one group.
        wanted = np.exp(random.uniform(np.log(least), np.log(most), int(share * people / least) + 1))
        sizes = wanted.astype(np.int64)
        sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), share * people, side="right"))]
        slots = np.sort(random.choice(people // most, size=min(len(sizes), people // most), replace=False))
        sizes = sizes[: len(slots)]
        members = np.repeat(slots * most, sizes) + _within(sizes)
        number = np.repeat(numbered + np.arange(len(sizes)), sizes)
        free = group[members] < 0
        group[members[free]] = number[free]
        kind[members[free]] = which
        numbered += len(sizes)
    return Society(home, town, kind, group)


def _within(sizes: Ids) -> Ids:
    """Count from 0 within runs of the given sizes."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def neighbour(random: np.random.Generator, society: Society, people: Ids) -> Ids:
    """Give for each of `people` some person of the same town."""
    total = len(society.home)
    start = society.town[people] * TOWN
    return start + (random.random(len(people)) * np.minimum(TOWN, total - start)).astype(np.int64)


def housemate(random: np.random.Generator, society: Society) -> tuple[Ids, Mask]:
    """Give for each person someone of the same home, and where there is one."""
    people = len(society.home)
    first = np.searchsorted(society.home, society.home)
    size = np.searchsorted(society.home, society.home, side="right") - first
    step = 1 + (random.random(people) * np.maximum(size - 1, 1)).astype(np.int64)
    return first + (np.arange(people) - first + step) % size, size > 1


def _identifiers(random: np.random.Generator, society: Society) -> dict[str, Ids]:
    """The identifiers of benign people."""
    people = len(society.home)
    person = np.arange(people)
    mate, has_mate = housemate(random, society)

    def chance(share: float) -> Mask:
        return random.random(people) < share

    friend = neighbour(random, society, person)
    stranger = random.integers(0, people, people)
    phone = np.where(chance(0.02), stranger, person)
    device = np.where(chance(0.02) & has_mate, mate, person)
    device = np.where(chance(0.012), random.integers(0, people, people), device)
    columns = {
        "identity_card": np.where(chance(0.0005), random.integers(0, people, people), person),
        "phone": phone,
        "second_phone": np.where(chance(0.15), FRESH + person, -1),
        "contact": np.where(chance(0.7) & has_mate, mate, np.where(chance(0.6), friend, 2 * FRESH + person)),
        "second_contact": np.where(
            chance(0.45), neighbour(random, society, person), np.where(chance(0.5), 3 * FRESH + person, -1)
        ),
        "device": device,
        "second_device": np.where(chance(0.25), FRESH + person, -1),
        "bank_card": np.where(chance(0.004) & has_mate, mate, person),
        "second_bank_card": np.where(chance(0.35), FRESH + person, -1),
        "address": np.where(chance(0.93), society.home, FRESH + person),
        "company": _companies(random, society),
    }
    columns |= _networks(random, society, columns["company"])
    _lookalikes(random, society, columns)
    return columns


def _companies(random: np.random.Generator, society: Society) -> Ids:
    """Employers: most people work for a large one, some for a small one, a third name none."""
    people = len(society.home)
    how = random.random(people)
    large = society.town * 1_000 + (random.random(people) ** 2 * TOWN / 60).astype(np.int64)
    small = FRESH + society.town * 1_000 + random.integers(0, max(TOWN // 40, 1), people)
    alone = 2 * FRESH + np.arange(people)
    return np.select([how < 0.4, how < 0.44, how < 0.62], [large, small, alone], -1)


def _networks(random: np.random.Generator, society: Society, company: Ids) -> dict[str, Ids]:
    """Network addresses: the home's, the workplace's or a public one, a carrier's gateway."""
    people = len(society.home)
    how = random.random((3, people))
    public = FRESH + society.town * 1_000 + (random.random(people) ** 3 * 200).astype(np.int64)
    gateway = 2 * FRESH + (random.random(people) ** 4 * max(people / 400, 1)).astype(np.int64)
    own = 3 * FRESH + np.arange(people)
    work = np.where(company >= 0, 5 * FRESH + company, public)
    return {
        "ip": np.where(how[0] < 0.75, society.home, own),
        "second_ip": np.select(
            [how[1] < 0.2, how[1] < 0.45, how[1] < 0.85], [work, public, 4 * FRESH + np.arange(people)], -1
        ),
        "third_ip": np.select([how[2] < 0.45, how[2] < 0.7], [gateway, 6 * FRESH + np.arange(people)], -1),
    }


def _lookalikes(random: np.random.Generator, society: Society, columns: dict[str, Ids]) -> None:
    """What the members of dormitories, extended families and shops share, in place."""
    people = len(society.home)
    group, kind = society.group, society.kind
    start = np.searchsorted(np.sort(group[group >= 0]), group)
    members = np.flatnonzero(group >= 0)
    members = members[np.argsort(group[members], kind="stable")]
    size = np.bincount(group[group >= 0], minlength=int(group.max()) + 1)[group]
    peer = members[np.minimum(start + (random.random(people) * size).astype(np.int64), len(members) - 1)]

    def share(name: str, which: int, chance: float, numbers: Ids) -> None:
        taken = (kind == which) & (random.random(people) < chance)
        columns[name][taken] = numbers[taken]

    base = 7 * FRESH + group * 1_000
    share("address", DORMITORY, 0.95, base)
    share("ip", DORMITORY, 0.8, base)
    share("contact", DORMITORY, 0.5, peer)
    share("second_contact", DORMITORY, 0.3, peer)
    share("device", DORMITORY, 0.06, peer)
    share("company", DORMITORY, 0.7, base)
    share("address", FAMILY, 0.8, base + random.integers(0, 3, people))
    share("contact", FAMILY, 0.8, peer)
    share("second_contact", FAMILY, 0.6, peer)
    share("device", FAMILY, 0.2, peer)
    share("bank_card", FAMILY, 0.06, peer)
    share("ip", FAMILY, 0.7, base + random.integers(0, 3, people))
    share("second_device", SHOP, 0.9, base + random.integers(0, 3, people))
    share("second_ip", SHOP, 0.9, base)
    share("second_contact", SHOP, 0.15, 8 * FRESH + group)


def _days(random: np.random.Generator, society: Society, timing: str) -> Ids:
    """When each person applied; in waves, the members of benign groups come together."""
    people = len(society.home)
    day = random.random(people) * DAYS
    if timing == "waves":
        homes = random.random(people) * DAYS
        together = random.random(people) < 0.5
        day = np.where(together, homes[society.home] + random.normal(0, 10, people), day)
        waves = random.random((int(society.group.max()) + 2, 2)) * (DAYS, 27)
        middle, span = waves[society.group + 1].T
        joined = (society.group >= 0) & (random.random(people) < 0.8)
        day = np.where(joined, middle + random.normal(0, 1, people) * (3 + span) / 2, day)
    return np.clip(day, 0, DAYS - 1).astype(np.int64)
