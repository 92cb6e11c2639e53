"""The side of a portfolio that takes reviews, and says what they and what is tried come to.

Comes in: a portfolio with reviews. Goes out: which records other reviews or another day decide otherwise,
decided again; the reviews, their rates, and figures of challengers and shadows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.pipeline import tried
from creditcore.population import day_of
from creditcore.portfolio.audit import Audited
from creditcore.portfolio.decision_log import files_of
from creditcore.portfolio.files import checked, write_rows
from creditcore.portfolio.line import PortfolioLine, moment_of
from creditcore.sources import Records, open_source
from creditcore.tactics.standing import Reviews

if TYPE_CHECKING:
    import polars as pl

    from creditcore.portfolio.versions import Refresh


def read_reviews(
    folder: Path, entries: Sequence[Mapping[str, Any]], zone: tzinfo, *, verify: bool
) -> Reviews:
    """Read the reviews that the catalog names."""
    from creditcore.frames import decided

    paths = checked(folder, files_of(entries, "reviews"), verify=verify)
    return Reviews(decided.read_log(paths).to_dicts() if paths else [], zone)


def write_reviews(reviews: Reviews, path: Path) -> dict[str, Any]:
    """Write all reviews to a file; gives what an entry of the catalog says of them.

    Raises:
        StateError: the disk does not take it.
    """
    from creditcore.frames import decided

    return {"whole": ["reviews"], "reviews": [write_rows(decided.review_rows(reviews.every), path)]}


class Overridden(Audited):
    """The half of `Portfolio` that knows what people decided."""

    _line: PortfolioLine

    def _day(self, when: str | None) -> date | None:
        """The day of an instant of the catalog."""
        moment = moment_of(when)
        return None if moment is None else day_of(moment, self.config)

    def _with_reviews(self, told: Records | None, when: str | None) -> PortfolioLine:
        """Give the line with further reviews.

        Raises:
            ArgumentError: there are no rules to review, or no instant.
            SchemaError: what is wrong with reviews.
        """
        if told is None:
            return self._line
        if not self._log.keeps:
            raise ArgumentError("reviews take the place of what rules decide; the configuration has no rules")
        if when is None:
            raise ArgumentError("reviews count from a day on; give the instant `as_of`")
        known = self._line.reviews.joined(Reviews.of(told, self.config.zone))
        return self._line.with_reviews(known)

    def _reviewed_otherwise(self, line: PortfolioLine, when: str | None) -> pl.DataFrame | None:
        """Give the records for which another review counts than before; None without any."""
        from creditcore._frame import to_polars

        before = self._day(self._entries[-1]["as_of"])
        keys = self._line.reviews.moved(before, line.reviews, self._day(when))
        if not keys or not self.records:
            return None
        key = self.config.columns.key
        integers = self.types()[key].is_integer()
        if not (keys := [one for one in keys if isinstance(one, int) == integers]):
            return None
        rows = to_polars(self._state().find(open_source({key: keys})))
        return rows if len(rows) else None

    def _decided_again(self, line: PortfolioLine, when: str | None) -> pl.DataFrame | None:
        """Give the records for which another review counts than before, decided again; None without any."""
        rows = self._reviewed_otherwise(line, when)
        return None if rows is None else line.rows(rows.drop(line.made_names, strict=False), moment_of(when))

    def review(self, reviews: Records, as_of: date | str | None = None) -> Refresh:
        """Take in what people decided, and decide the records again for which it counts.

        A review counts from the day of its `time` on, until the day of `expires`; of several of a key the
        latest, at equal times the stricter one. A new score does not undo it, and it waits for a record that
        is not there yet.

        Args:
            reviews: a list of records, a frame, or files with `key`, `time`, `from`, `to` (`pass`, `review`,
                `reject`), `reason`, `expires` (null: never).
            as_of: the instant that the state speaks of afterwards; by default that of before.

        Returns:
            A `Refresh`; `rescored` is the number of records that were decided again.

        Raises:
            ArgumentError, SchemaError: what is wrong with a review; nothing was changed.
            StateError: another one writes, or the disk does not take it.
        """
        return self.refresh(None, as_of, reviews=reviews)

    def reviews(self) -> pl.DataFrame:
        """Give all reviews: `key, time, from, to, reason, expires`, `in_force` on the day of `as_of`."""
        from creditcore.frames import decided

        self._state()
        rows = self._line.reviews.rows(self._day(self._entries[-1]["as_of"]))
        return decided.review_rows(rows, in_force=True)

    def review_rates(self, label: str | None = None) -> list[dict[str, Any]]:
        """Give the rates of overrides among the current records, with their outcomes.

        Args:
            label: a kept column of outcomes: 1 bad, 0 good, null not known.

        Returns:
            A record for each side, `low` (more lenient than the rules) and `high` (stricter), as
            `creditcore.tactics.reviews.review_rates` gives it.

        Raises:
            ArgumentError: there are no rules, or no such column.
        """
        from creditcore.frames import decided
        from creditcore.tactics.reviews import review_rates

        rows = self.to_polars()
        for name in ("decision", *([label] if label else [])):
            if name not in rows.columns:
                raise ArgumentError(f"the records have no column `{name}`")
        return review_rates(decided.with_policy_decisions(rows), label)

    def tried(self) -> dict[str, list[dict[str, Any]]]:
        """Say what challengers, shadow models and shadow rules come to over the current records.

        Returns:
            `models`: for each output `model`, `status`, `records` that it has a value for, and their `mean`;
            `rules`: for each shadow rule `rule` and `hits`, and of these those that are decided `reject`,
            `review` and `pass`.
        """
        pipeline = self._line.pipeline
        if pipeline is None:
            return {"models": [], "rules": []}
        rows = self.to_polars()
        models = []
        for column, output in tried.models_of(pipeline).items():
            values = rows[column].drop_nulls().to_list() if column in rows.columns else []
            mean = math.fsum(values) / len(values) if values else None
            status = column.partition(":")[0]
            models.append({"model": output, "status": status, "records": len(values), "mean": mean})
        rules = tried.rules_of(pipeline)
        return {"models": models, "rules": tried.hits(rows, rules) if rules else []}

    def refresh(
        self, delta: Any, as_of: date | str | None = None, *, reviews: Any = None, gates: bool = True
    ) -> Refresh:
        """Renew the state by a delta and reviews."""
        raise NotImplementedError
