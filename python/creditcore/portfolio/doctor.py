"""What is wrong with the folder of a portfolio, and what can be made again.

Comes in: a folder. Goes out: findings. The index and the sums are made of the segments, so they can be made
again; records cannot, and neither can the list of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditcore import _core
from creditcore.errors import StateError
from creditcore.portfolio.catalog import Catalog, manifest
from creditcore.portfolio.decision_log import files_beside
from creditcore.portfolio.files import check_files
from creditcore.portfolio.versions import next_number

REPAIR = "the index and the sums were made again of the segments; the portfolio is whole"


@dataclass(frozen=True)
class Finding:
    """Something about a state: what is wrong, whether it was put right, what to do."""

    text: str
    repaired: bool


def examine(
    folder: Path,
    opened: Callable[[dict[str, Any]], _core.State],
    digest_of: Callable[[_core.State], str],
    entries: list[dict[str, Any]],
    catalog: Catalog,
) -> list[Finding]:
    """Compare every file of a state, and make again what can be; the caller holds the right to write.

    Args:
        folder: of the portfolio.
        opened: opens the state of a manifest, comparing all checksums.
        digest_of: the digest of a state.
        entries: of the catalog.
        catalog: where a repair is written down.
    """
    made = manifest(entries)
    last = entries[-1]

    def fault(told: dict[str, Any]) -> tuple[_core.State | None, str]:
        try:
            check_files(folder, files_beside(entries), contents=True)
            core = opened(told)
        except StateError as error:
            return None, str(error)
        if last["digest"] not in (None, digest_of(core)):
            return None, f"`{folder}`: the digest is not that of version {last['version']}"
        return core, ""

    _, found = fault(made)
    if not found:
        return []
    core, deeper = fault({**made, "checkpoint": None})
    if core is None:
        lost = f"{deeper}; records cannot be made again: restore the folder from a backup"
        return [Finding(found, False), Finding(lost, False)] if deeper != found else [Finding(lost, False)]
    checkpoint = json.loads(core.checkpoint(next_number(folder)))
    kept = {name: last[name] for name in ("as_of", "counts", "records")}
    digest = digest_of(core)
    entry = {"kind": "repair", "base": False, "segments": [], "latency": {}, "digest": digest}
    catalog.commit(last["version"] + 1, {**kept, **entry, "checkpoint": checkpoint})
    for part in ("index", "sums") if made["checkpoint"] else ():
        (folder / made["checkpoint"][part]["file"]).unlink(missing_ok=True)
    return [Finding(f"{found}; {REPAIR}", True)]
