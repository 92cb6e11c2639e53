"""Random numbers that belong to an entity, not to a place in a stream.

Comes in: a seed, the name of what is drawn, the numbers of entities (records, units, homes). Goes out: one
draw for each entity, the same whoever asks, in whatever order and however many at a time. This is what makes
a world independent of the size of its chunks: an application of today asks for the creditworthiness of a
person who first applied two years ago without keeping a table of persons.

The bits are those of SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*,
2014), with the entity's number as the counter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Draws:
    """Draws of one seed."""

    seed: int

    def bits(self, name: str, ids: Ids) -> NDArray[np.uint64]:
        """Give 64 random bits for each entity.

        Args:
            name: what is drawn; different names give independent draws.
            ids: the entities' numbers, Int64.
        """
        words = ids.astype(np.uint64)
        words += np.uint64(1)
        words *= _STEP
        words += _origin(self.seed, name)
        words ^= words >> np.uint64(30)
        words *= _FIRST
        words ^= words >> np.uint64(27)
        words *= _SECOND
        words ^= words >> np.uint64(31)
        return words

    def uniform(self, name: str, ids: Ids) -> Floats:
        """Give a number in [0, 1) for each entity."""
        return (self.bits(name, ids) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, name: str, ids: Ids) -> Floats:
        """Give a standard normal number for each entity (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(name, ids)))
        return radius * np.cos(2.0 * np.pi * self.uniform(f"{name}, angle", ids))

    def below(self, name: str, ids: Ids, limit: int | Ids) -> Ids:
        """Give an integer in [0, limit) for each entity; `limit` may be one for each, at most 2**52."""
        return (self.uniform(name, ids) * limit).astype(np.int64)

    def stream(self, name: str, block: int = 0) -> np.random.Generator:
        """Give a generator for what belongs to a block of records as a whole."""
        return np.random.Generator(np.random.SFC64([int(_origin(self.seed, name)), block]))


def _origin(seed: int, name: str) -> np.uint64:
    """Where the counter of a name starts: a hash of the seed and the name."""
    digest = hashlib.blake2b(f"{seed}\n{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))
