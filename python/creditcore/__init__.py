"""Exact weighted credit averages and rankings, in the order of the work.

Comes in: files or frames of records. Goes out: aggregates and rankings. Names are loaded when they are first
used, so that importing the package costs next to nothing.

>>> import creditcore as cc
>>> frame = {"city": ["310100", "330400", "310100"], "score": [640.0, 655.0, 644.0]}
>>> cc.rank(frame, by="city", score="score").to_polars().select("code", "mean", "rank").rows()
[('330400', 655.0, 1), ('310100', 642.0, 2)]
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditcore._core import __version__
    from creditcore.aggregation import Aggregate, aggregate
    from creditcore.config.config import Config
    from creditcore.errors import (
        ArgumentError,
        Cancelled,
        CreditcoreError,
        DeltaRefused,
        FormatError,
        ModelError,
        SchemaError,
        SourceError,
        StateError,
        TacticError,
    )
    from creditcore.expressions import evaluate
    from creditcore.features import Schema
    from creditcore.fleet.fleet import Fleet
    from creditcore.linking.groups import Groups, find_groups
    from creditcore.linking.network import Network, components
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.ranking.of_records import rank
    from creditcore.ranking.ranking import Ranking
    from creditcore.reports import Report
    from creditcore.scoring.calibration import Calibration
    from creditcore.scoring.explanations import Reasons, ReasonTexts, reasons
    from creditcore.scoring.metrics import auc, gini, ks, psi
    from creditcore.scoring.scores import Blend, Scaling, score
    from creditcore.tactics.policy import Policy

# Memory that the extension module has done with goes back to the system after five minutes, not after a
# second, which its allocator reads when it is loaded: what comes next would have to clear new pages. The
# refresh after a compaction comes within that.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "300000")
# The same for what polars has done with.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:300000,muzzy_decay_ms:-1")

_HOMES = {
    "__version__": "creditcore._core",
    "Aggregate": "creditcore.aggregation",
    "aggregate": "creditcore.aggregation",
    "Network": "creditcore.linking.network",
    "components": "creditcore.linking.network",
    "Groups": "creditcore.linking.groups",
    "find_groups": "creditcore.linking.groups",
    "Fleet": "creditcore.fleet.fleet",
    "evaluate": "creditcore.expressions",
    "Schema": "creditcore.features",
    "Policy": "creditcore.tactics.policy",
    "Blend": "creditcore.scoring.scores",
    "Calibration": "creditcore.scoring.calibration",
    "Config": "creditcore.config.config",
    "Scaling": "creditcore.scoring.scores",
    "score": "creditcore.scoring.scores",
    "ReasonTexts": "creditcore.scoring.explanations",
    "Reasons": "creditcore.scoring.explanations",
    "reasons": "creditcore.scoring.explanations",
    "auc": "creditcore.scoring.metrics",
    "gini": "creditcore.scoring.metrics",
    "ks": "creditcore.scoring.metrics",
    "psi": "creditcore.scoring.metrics",
    "Portfolio": "creditcore.portfolio.portfolio",
    "Ranking": "creditcore.ranking.ranking",
    "rank": "creditcore.ranking.of_records",
    "Report": "creditcore.reports",
    "CreditcoreError": "creditcore.errors",
    "DeltaRefused": "creditcore.errors",
    "SourceError": "creditcore.errors",
    "SchemaError": "creditcore.errors",
    "FormatError": "creditcore.errors",
    "ModelError": "creditcore.errors",
    "TacticError": "creditcore.errors",
    "StateError": "creditcore.errors",
    "ArgumentError": "creditcore.errors",
    "Cancelled": "creditcore.errors",
}

__all__ = [
    "Aggregate",
    "ArgumentError",
    "Blend",
    "Calibration",
    "Cancelled",
    "Config",
    "CreditcoreError",
    "DeltaRefused",
    "Fleet",
    "FormatError",
    "Groups",
    "ModelError",
    "Network",
    "Policy",
    "Portfolio",
    "Ranking",
    "ReasonTexts",
    "Reasons",
    "Report",
    "Scaling",
    "Schema",
    "SchemaError",
    "SourceError",
    "StateError",
    "TacticError",
    "__version__",
    "aggregate",
    "auc",
    "components",
    "evaluate",
    "find_groups",
    "gini",
    "ks",
    "psi",
    "rank",
    "reasons",
    "score",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'creditcore' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
