"""Exact weighted credit averages and rankings, in the order of the work.

Comes in: files or frames of records. Goes out: aggregates and rankings. Names are loaded when they are first
used, so that importing the package costs next to nothing.

>>> import creditcore as cc
>>> frame = {"city": ["310100", "330400", "310100"], "score": [640.0, 655.0, 644.0]}
>>> cc.rank(frame, by="city", score="score").to_polars().select("code", "mean", "rank").rows()
[('330400', 655.0, 1), ('310100', 642.0, 2)]
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditcore._core import __version__
    from creditcore.aggregation import Aggregate, aggregate
    from creditcore.calibration import Calibration
    from creditcore.config import Config
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
    from creditcore.explanations import Reasons, ReasonTexts, reasons
    from creditcore.expressions import evaluate
    from creditcore.features import Schema
    from creditcore.fleet import Fleet
    from creditcore.groups import Groups, find_groups
    from creditcore.metrics import auc, gini, ks, psi
    from creditcore.network import Network, components
    from creditcore.portfolio import Portfolio
    from creditcore.ranking import Ranking, rank
    from creditcore.reports import Report
    from creditcore.scoring import Blend, Scaling, score
    from creditcore.tactics import Policy

_HOMES = {
    "__version__": "creditcore._core",
    "Aggregate": "creditcore.aggregation",
    "aggregate": "creditcore.aggregation",
    "Network": "creditcore.network",
    "components": "creditcore.network",
    "Groups": "creditcore.groups",
    "find_groups": "creditcore.groups",
    "Fleet": "creditcore.fleet",
    "evaluate": "creditcore.expressions",
    "Schema": "creditcore.features",
    "Policy": "creditcore.tactics",
    "Blend": "creditcore.scoring",
    "Calibration": "creditcore.calibration",
    "Config": "creditcore.config",
    "Scaling": "creditcore.scoring",
    "score": "creditcore.scoring",
    "ReasonTexts": "creditcore.explanations",
    "Reasons": "creditcore.explanations",
    "reasons": "creditcore.explanations",
    "auc": "creditcore.metrics",
    "gini": "creditcore.metrics",
    "ks": "creditcore.metrics",
    "psi": "creditcore.metrics",
    "Portfolio": "creditcore.portfolio",
    "Ranking": "creditcore.ranking",
    "rank": "creditcore.ranking",
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
