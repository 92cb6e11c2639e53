"""What a watched portfolio counts: refreshes, stages, files, rows; as Prometheus' text and for the live page.

Comes in: refreshes as plain records. Goes out: text in the exposition format, a snapshot for the page. Safe
to use from many threads: one writes, others read.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram of refreshes, in seconds."""
KEPT = 300
"""Refreshes that the live page shows."""
SHOWN_MOVES = 12
SHOWN_RINGS = 8


class Figures:
    """Counts since the watch began, and the last snapshot."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._lock = threading.Lock()
        self._seen = threading.Condition(self._lock)
        self._number = 0
        self._files = Counter[str]()
        self._rows = Counter[str]()
        self._stages = Counter[str]()
        self._buckets = [0] * len(BUCKETS)
        self._refreshes, self._seconds = 0, 0.0
        self._waiting = 0
        self._latencies: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._snapshot: dict[str, Any] = {"version": None, "rankings": {}, "moves": [], "rings": []}

    def file(self, outcome: str) -> None:
        """Count a file: `done`, `failed` or `duplicate`."""
        with self._lock:
            self._files[outcome] += 1

    def wait(self, files: int) -> None:
        """Say how many files wait."""
        with self._lock:
            self._waiting = files

    def showing(
        self,
        state: Mapping[str, Any],
        rankings: Mapping[str, Mapping[str, Any]],
        rings: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Show a state that no refresh of this watch made (`version`, `as_of`, `records`), as `refreshed`."""
        with self._lock:
            self._show(state, rankings, rings)

    def refreshed(
        self,
        told: Mapping[str, Any],
        rankings: Mapping[str, Mapping[str, Any]],
        rings: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Take up a refresh.

        Args:
            told: `version`, `as_of`, `records`, `counts` (rows by what became of them), `changed`, `total`,
                `latency` (seconds by stage).
            rankings: by name `heading` and `rows`, as `Ranking.rows()` gives them.
            rings: the newest first.
        """
        with self._lock:
            self._refreshes += 1
            self._seconds += told["total"]
            self._stages.update(told["latency"])
            for place, bound in enumerate(BUCKETS):
                self._buckets[place] += told["total"] <= bound
            self._rows.update(told["counts"])
            kept = ("version", "total", "latency", "changed")
            self._latencies.append({name: told.get(name) for name in kept})
            self._show(told, rankings, rings)

    def _show(
        self,
        told: Mapping[str, Any],
        rankings: Mapping[str, Mapping[str, Any]],
        rings: Sequence[Mapping[str, Any]],
    ) -> None:
        before = self._snapshot["rankings"]
        shown = ("version", "as_of", "records", "total", "changed")
        self._snapshot = {
            **{name: told.get(name) for name in shown},
            "rankings": {name: dict(ranking) for name, ranking in rankings.items()},
            "moves": moves(before, rankings)[:SHOWN_MOVES],
            "rings": [dict(ring) for ring in rings[:SHOWN_RINGS]],
        }
        self._number += 1
        self._seen.notify_all()

    def snapshot(self) -> dict[str, Any]:
        """Give what the page shows: the last refresh, rankings, moves, rings, latencies, files."""
        with self._lock:
            return {
                "number": self._number,
                **self._snapshot,
                "latencies": list(self._latencies),
                "files": dict(self._files),
                "waiting": self._waiting,
            }

    def newer(self, number: int, seconds: float) -> bool:
        """Wait until there is a snapshot after one of this number, for so many seconds at most."""
        with self._seen:
            return self._seen.wait_for(lambda: self._number > number, seconds)

    def write(self, path: Path) -> None:
        """Write the counts into a file, which is there as a whole."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            fresh.write_text(self.exposition(), encoding="utf-8")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def exposition(self) -> str:
        """Give the counts in Prometheus' text format (version 0.0.4)."""
        with self._lock:
            lines = _family("refreshes_total", "counter", "Refreshes committed.", [("", self._refreshes)])
            buckets = [
                (f'{{le="{bound}"}}', count) for bound, count in zip(BUCKETS, self._buckets, strict=True)
            ]
            lines += _family("refresh_seconds", "histogram", "Seconds of a refresh.", [])
            lines += [f"creditcore_refresh_seconds_bucket{label} {count}" for label, count in buckets]
            lines += [
                f'creditcore_refresh_seconds_bucket{{le="+Inf"}} {self._refreshes}',
                f"creditcore_refresh_seconds_sum {self._seconds!r}",
                f"creditcore_refresh_seconds_count {self._refreshes}",
            ]
            lines += _labelled("stage_seconds_total", "Seconds by stage.", "stage", self._stages)
            lines += _labelled("rows_total", "Rows by what became of them.", "what", self._rows)
            lines += _labelled("files_total", "Files by what became of them.", "outcome", self._files)
            lines += _family("files_waiting", "gauge", "Files that wait.", [("", self._waiting)])
            for name, words in (("version", "The state's version."), ("records", "Records of the state.")):
                if isinstance(value := self._snapshot.get(name), int):
                    lines += _family(name, "gauge", words, [("", value)])
            return "\n".join(lines) + "\n"


def moves(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Give the rows whose rank is another than before, the greatest move first."""
    found = []
    for name, ranking in after.items():
        old = {row["code"]: row["rank"] for row in before.get(name, {}).get("rows", ())}
        for row in ranking["rows"]:
            was, rank = old.get(row["code"]), row["rank"]
            if was is not None and rank is not None and was != rank:
                found.append({"by": name, "code": row["code"], "name": row["name"], "from": was, "to": rank})
    return sorted(found, key=lambda move: (-abs(move["to"] - move["from"]), move["to"], move["code"]))


def _family(name: str, kind: str, words: str, values: Sequence[tuple[str, float]]) -> list[str]:
    head = [f"# HELP creditcore_{name} {words}", f"# TYPE creditcore_{name} {kind}"]
    return head + [f"creditcore_{name}{label} {value!r}" for label, value in values]


def _labelled(name: str, words: str, label: str, values: Mapping[str, float]) -> list[str]:
    told = [(f'{{{label}="{_escaped(key)}"}}', values[key]) for key in sorted(values)]
    return _family(name, "counter", words, told)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
