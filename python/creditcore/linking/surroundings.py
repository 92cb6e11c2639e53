"""What a network says of the people around a person: strengths, features, groups.

Comes in: a network's native part, labels. Goes out: fitted networks, ego features, groups. The half of
`Network` that looks for rings; `network.py` has the half that links.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore.sources import Records

if TYPE_CHECKING:
    import polars as pl

    from creditcore import _core
    from creditcore.linking.blocklist import Blocklist
    from creditcore.linking.groups import Groups
    from creditcore.linking.network import Network
    from creditcore.linking.person_model import PersonModel


class Surroundings:
    """The part of `Network` that looks for rings."""

    _core: _core.Network
    person_model: PersonModel | None = None
    """What `fit` learned of labels, or nothing; it is not part of the byte form."""
    notes: Sequence[str] = ()
    """What `fit` did with labels, in words."""

    def fit(
        self, labels: Records | None = None, *, ring: str | None = None, threads: int | None = None
    ) -> Network:
        """Learn the strengths of the types, and of labels a model of people; gives a network with both.

        The strength of a type is -log2 of the share of people who share an identifier of it that 20 people
        show at most: what few share says much. A type of which nobody shares an identifier keeps its
        strength. Its `rarities` say the same by how many people show an identifier, in bands (2; 3; 4 and 5;
        6 and 7; 8 to 11 ...): -log2 of twice the share of people who share one of so many. Where there are
        rarities, they and not the strength weigh ties.

        Args:
            labels: a frame with `key` and `label` (true for confirmed fraud, false for confirmed good, null
                for unknown). With about 100 confirmed rings boosted trees are fitted (extra `train`);
                `notes` says what was done.
            ring: the column of `labels` that names the confirmed ring of a confirmed fraud, integers or text,
                null for none. With 250 named rings trees of ties and of groups are fitted too, and groups are
                no longer clustered: see `docs/groups.md`.
            threads: one for each processor by default.
        """
        from creditcore.linking.network import Network

        network = Network(self._core.fit())
        if labels is not None:
            from creditcore.linking.groups import TAU
            from creditcore.linking.labels import label_rows
            from creditcore.linking.person_model import learn

            known = label_rows(labels, "key", "label", ring)
            network.person_model, network.notes = learn(network, known, TAU, threads=threads)
        return network

    def ego_features(
        self, *, view: str = "now", tau: float = 20.0, threads: int | None = None
    ) -> pl.DataFrame:
        """Compute features of each person's surroundings; see `docs/groups.md` for what each means.

        Args:
            view: `now` counts all links; `at` counts those that were known at the person's own time, so that
                later records change nothing of it.
            tau: days in which a tie fades by 1/e.
            threads: one for each processor by default; they change no bit.

        Returns:
            A frame with `key`, ascending, and Float32 columns `net_now_*` or `net_at_*`, without nulls.

        Raises:
            ArgumentError: another view, or a `tau` that is not above 0.
        """
        from creditcore.linking.groups import ego_features

        return ego_features(self._core, view=view, tau=tau, threads=threads)

    def find_groups(
        self,
        labels: Records | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        blocklist: Blocklist | None = None,
        key_file: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Groups:
        """Find the groups of this network; see `creditcore.find_groups`. Strengths are used as they are.

        Args:
            labels: a frame with `key` and `label`; known fraud spreads to its partners.
            config: `tau`, `pass_share`, `cut`, `judged_from`, `resolution`.
            blocklist: by type the values that are known as bad; suspicion spreads from who shows one.
            key_file: the key that the network was made with, which a blocklist needs.
            threads: one for each processor by default.
        """
        from creditcore.linking.groups import find_in
        from creditcore.linking.labels import label_rows

        known = None if labels is None else label_rows(labels, "key", "label")
        model, notes = self.person_model, list(self.notes)
        return find_in(
            self._core,
            known,
            config,
            model=model,
            notes=notes,
            blocklist=blocklist,
            key_file=key_file,
            threads=threads,
        )
