"""Models and rules that are tried beside those in force: challengers, shadows.

Comes in: a pipeline, records. Goes out: scores and decisions as the pipeline gives them, and beside them what
challengers and shadow models say, each in a column of its own, and which shadow rules hit. None of these
moves a score, points or a decision.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from creditcore.pipeline.pipeline import Pipeline

STATUSES = ("challenger", "shadow")
RULES = "shadow_rules"
"""The column of the shadow rules that hit, joined by `|`."""


def models_of(pipeline: Pipeline) -> dict[str, str]:
    """Give the columns of models that are tried (`challenger:NAME`), and the outputs that they hold."""
    found: dict[str, str] = {}
    for model in pipeline.fleet.told:
        if model["status"] in STATUSES:
            name, many = model["name"], model["outputs"]
            outputs = [name] if many == 1 else [f"{name}:{place}" for place in range(many)]
            found |= {f"{model['status']}:{output}": output for output in outputs}
    return found


def rules_of(pipeline: Pipeline) -> list[str]:
    """Give the ids of the shadow rules, in file order."""
    rules = [] if pipeline.policy is None else pipeline.policy.rules
    return [rule["id"] for rule in rules if rule["mode"] == "shadow"]


def columns_of(pipeline: Pipeline) -> list[tuple[str, bool]]:
    """Give the columns that are made here, and whether they are numbers."""
    found = [(name, True) for name in models_of(pipeline)]
    return [*found, *([(RULES, False)] if rules_of(pipeline) else [])]


def asked(pipeline: Pipeline) -> list[str]:
    """Give the names of the models that are tried."""
    return [model["name"] for model in pipeline.fleet.told if model["status"] in STATUSES]


def outputs_of(pipeline: Pipeline, outputs: pl.DataFrame) -> pl.DataFrame:
    """Give what the models that are tried say, in columns of their own."""
    told = models_of(pipeline)
    return outputs.select(told.values()).rename({output: name for name, output in told.items()})


def decided(
    pipeline: Pipeline, features: Any, outputs: Any, scores: Any, day: date | None, threads: int | None = None
) -> pl.DataFrame:
    """Decide records as `Pipeline.decide` does, with the shadow rules that hit."""
    shadow = bool(rules_of(pipeline))
    made = pipeline.decide(features, outputs, scores, as_of=day, shadow=shadow, threads=threads)
    return made.rename({"shadow": RULES} if shadow else {})


def scored(pipeline: Pipeline, rows: Any, day: date | None, *, threads: int | None = None) -> pl.DataFrame:
    """Score and decide records as `Pipeline.score` does, with what is tried beside it.

    Args:
        pipeline: models, blends and rules.
        rows: the records.
        day: of the decisions.
        threads: one for each processor by default; they change nothing.
    """
    from creditcore._frame import beside

    features = pipeline.features(rows, threads=threads)
    names = [*dict.fromkeys([*pipeline.needed, *asked(pipeline)])]
    told = pipeline.outputs(features, names, threads=threads)
    scores = None if pipeline.blend is None else pipeline.scores(told, threads=threads)
    decisions = None
    if pipeline.policy is not None:
        decisions = decided(pipeline, features, told, scores, day, threads)
        if scores is not None and decisions["effect"].null_count() < len(decisions):
            scores = pipeline.scores(told, decisions.select("effect"), threads=threads)
    shown = [one for one in (scores, decisions, outputs_of(pipeline, told)) if one is not None and one.width]
    return beside(*shown) if shown else told


def hits(rows: pl.DataFrame, rules: list[str]) -> list[dict[str, Any]]:
    """Count the records that shadow rules hit, by what they are decided to be."""
    told = zip(rows[RULES].to_list(), rows["decision"].to_list(), strict=True)
    found = [(rule, decision) for ids, decision in told if ids for rule in ids.split("|")]
    decided = {rule: [decision for one, decision in found if one == rule] for rule in rules}
    names = ("reject", "review", "pass")
    return [
        {"rule": rule, "hits": len(every), **{name: every.count(name) for name in names}}
        for rule, every in decided.items()
    ]
