"""What a report says of its method, and what the columns of its data mean.

Comes in: what was measured. Goes out: paragraphs and definitions in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creditcore.report.words import Pair, pair

COLUMNS: dict[str, tuple[str, Pair]] = {
    "code": ("text", ("the region's code, or the group's value", "地区代码或分组取值")),
    "name": ("text", ("its name", "名称")),
    "level": ("text", ("level of the region table, family or column", "区划层级、分组或字段名")),
    "parent": ("text", ("code of the region that it is part of", "上级地区代码")),
    "n": ("integer", ("units that count", "计入的单元数")),
    "sum_weight": ("number", ("sum of their weights", "权重之和")),
    "n_eff": (
        "number",
        ("units of equal weight that would be as good: (sum w)² / sum w²", "有效样本量：(Σw)² / Σw²"),
    ),
    "mean": ("number", ("weighted mean, share or ratio", "加权均值、占比或比率")),
    "mean_plain": ("number", ("the same without weights", "未加权的同一指标")),
    "se": ("number", ("standard error of the mean; empty for one unit", "均值的标准误；仅一个单元时为空")),
    "ci_lo": ("number", ("lower end of the mean's interval", "均值区间下限")),
    "ci_hi": ("number", ("upper end of the mean's interval", "均值区间上限")),
    "eb_mean": (
        "number",
        ("mean shrunk towards the parent's; it moves no rank", "向上级均值收缩的估计；不影响名次"),
    ),
    "diff_parent": ("number", ("mean minus the parent's mean", "与上级均值之差")),
    "rank": (
        "integer",
        (
            "place by the exact mean, from 1; empty where none is given",
            "按精确均值的名次，自 1 起；不排名者为空",
        ),
    ),
    "rank_in_parent": ("integer", ("place among the regions of the same parent", "在同一上级内的名次")),
    "rank_lo": ("integer", ("best place that its true place may be", "真实名次区间的最优位次")),
    "rank_hi": ("integer", ("worst place that its true place may be", "真实名次区间的最差位次")),
    "tier": ("integer", ("tier from the top, by the intervals", "由区间划分的梯队，自上而下")),
    "population": ("integer", ("people, by the margin table", "人口（据边际表）")),
    "coverage": ("number", ("units for each of them: n / population", "覆盖率：n / 人口")),
    "suppressed_why": (
        "text",
        (
            "why: few_units, dominance, complementary",
            "原因：few_units（过少）、dominance（占比过大）、complementary（补充隐去）",
        ),
    ),
    "suppressed": ("true/false", ("whether figures are withheld", "数字是否不予公布")),
    "name_zh": ("text", ("its name in Chinese", "中文名称")),
    "prev_rank": ("integer", ("place in the earlier release", "上次发布的名次")),
    "move": ("integer", ("places risen (+) or fallen (-) since then", "较上次上升（+）或下降（−）的位次")),
}

FORMULAS: dict[str, Pair] = {
    "mean": (
        "The figure of a region is the weighted mean of {score}: sum(w·x) / sum(w).",
        "各地区指标为 {score} 的加权均值：Σ(w·x) / Σw。",
    ),
    "share_above": (
        "The figure of a region is the weighted share of units whose {score} is above {cut}: sum(w·[x > {cut}]) / "
        "sum(w).",
        "各地区指标为 {score} 高于 {cut} 的单元加权占比：Σ(w·[x > {cut}]) / Σw。",
    ),
    "ratio": (
        "The figure of a region is the ratio of two weighted sums: sum(w·{numerator}) / sum(w·{denominator}).",
        "各地区指标为两个加权总和之比：Σ(w·{numerator}) / Σ(w·{denominator})。",
    ),
}
EXACT: Pair = (
    "Sums are exact and rounded once, at the end; no figure depends on the order of records, on threads or on "
    "machines. Ranks compare the exact fractions, so only equal figures share a place, the better one.",
    "求和过程为精确运算，仅在最后舍入一次；结果与记录次序、线程及机器无关。名次按精确分数比较，只有完全相等才并列，并取较优名次。",
)
ERROR: Pair = (
    "The standard error is that of a ratio of two weighted sums by linearisation (Cochran, Sampling Techniques, 3rd "
    "ed., 6.4): sqrt(n/(n−1)·sum(w²(x−m)²)) / sum(w). Intervals of means hold with {confidence}, each by itself, by "
    "the normal distribution.",
    "标准误采用两加权和之比的线性化估计（Cochran《抽样技术》第三版 6.4 节）：√(n/(n−1)·Σw²(x−m)²) / Σw。均值区间按正态分布计算，"
    "每个区间单独的置信水平为 {confidence}。",
)
PLACES: Pair = (
    "Intervals of places follow Mogstad, Romano, Shaikh and Wilhelm (Inference for Ranks, Review of Economic Studies "
    "91, 2024): with {confidence} all of them hold at once. A tier ends where a region is surely below the first of "
    "the tier. Two regions of one tier should not be called better and worse on these figures.",
    "名次区间采用 Mogstad、Romano、Shaikh 与 Wilhelm 的方法（Inference for Ranks，《经济研究评论》第 91 卷，2024）：在 {confidence} "
    "置信水平下所有区间同时成立。当某地区确定低于本梯队首位时，划入下一梯队。同一梯队内的地区不宜据此评判优劣。",
)
SHRUNK: Pair = (
    "The column eb_mean shrinks each mean towards that of its parent, the more the less sure it is (Paule and Mandel "
    "1982; Morris 1983). It stands beside the mean and moves no rank.",
    "eb_mean 一列将各均值向上级均值收缩，越不确定收缩越多（Paule 与 Mandel，1982；Morris，1983）；仅供参考，不影响名次。",
)
TO_POPULATION: Pair = (
    "Weights are adjusted until the units add up to the population by {by} (post-stratification; raking by Deming and Stephan, "
    "1940, where there are several margins); the column mean_plain gives the figure without weights.",
    "权重经调整，使样本与人口边际（{by}）一致（事后分层；多个边际时采用 Deming 与 Stephan 1940 年的迭代比例拟合）；mean_plain 一列为未加权结果。",
)

CLUSTERS: Pair = (
    "Units of one {errors} are alike: standard errors are by cluster, √(C/(C−1)·Σ(Σw(x−m))²) / Σw.",
    "同一 {errors} 的单元彼此相关：标准误按群计算，√(C/(C−1)·Σ(Σw(x−m))²) / Σw。",
)

NO_WEIGHT: Pair = (
    "Each unit counts the same: the figure speaks of a typical unit, not of a typical amount of money.",
    "各单元等权：指标反映典型单元，而非典型金额。",
)
WITH_WEIGHT: Pair = (
    "Each unit counts as its {weight}. A weight that was itself set from the risk counts that judgement twice; the "
    "column mean_plain shows the figure without weights.",
    "各单元按 {weight} 计权。若权重本身由风险评定得出，则会重复计入该判断；mean_plain 一列为未加权结果。",
)
REGIONS: Pair = (
    "A region is found by its code (city, county and former codes) or its name. Names that several regions share are "
    "never guessed. A record whose code stops at a province is left out, so that cities add up to their province.",
    "地区按代码（含市、县及旧代码）或名称识别；重名地区一律不作猜测。仅到省级的记录予以剔除，以保证各市之和等于全省。",
)
LIMITS: tuple[Pair, ...] = (
    (
        "The records are those of a lender, not a sample of the people who live in a place. A difference may come from "
        "who applied.",
        "记录来自放款机构，并非当地居民的抽样；差异可能源于申请人群的不同。",
    ),
    (
        "A mean says nothing about any single person. It must not be used to treat people by where they live.",
        "均值不说明任何个人的情况，不得据此按居住地区别对待个人。",
    ),
    (
        "A score is a forecast by models. It is not the credit that people have earned, and it is as good as what the "
        "models were shown.",
        "分数是模型的预测，并非个人的信用本身；其质量取决于模型所见的数据。",
    ),
)


DISCLOSURE: Pair = (
    "Figures of fewer than {min_shown} units, and of places where one unit has more than {dominance} of the weight, are "
    "not published; further places are withheld so that no hidden figure follows from those that are shown. Places "
    "with fewer than {min_ranked} units have figures and no rank.",
    "少于 {min_shown} 个单元，或单个单元权重超过 {dominance} 的地区不公布数字；并补充隐去若干地区，使隐去的数字无法由已公布数字推算。"
    "少于 {min_ranked} 个单元的地区公布数字，不参与排名。",
)


def what_is_hidden(rules: Mapping[str, Any]) -> list[Pair]:
    """Say by which rules figures are withheld; nothing where there are none."""
    if not rules:
        return []
    dominance = rules["dominance"]
    share = f"{1 if dominance is None else dominance:.0%}"
    return [_filled(DISCLOSURE, **{**rules, "dominance": share})]


def what_is_measured(plan: Mapping[str, Any]) -> list[Pair]:
    """Say what the figure of a region is."""
    (kind, measure), *_ = plan["measure"].items()
    parts = {name: f"{part:g}" if isinstance(part, float) else part for name, part in measure.items()}
    told = [_filled(FORMULAS[kind], **parts), EXACT]
    if "margins" in plan:
        told.append(_filled(TO_POPULATION, by=", ".join(plan["margins"])))
    else:
        told.append(_filled(WITH_WEIGHT, weight=plan["weight"]) if plan["weight"] else NO_WEIGHT)
    return [*told, REGIONS] if "region" in plan["by"] else told


def what_is_sure(confidence: str, errors: str | None = None) -> list[Pair]:
    """Say what the intervals, places and tiers mean; `errors` tells of errors by cluster."""
    told = [_filled(one, confidence=confidence) for one in (ERROR, PLACES)]
    by_cluster = (
        [] if errors is None else [_filled(CLUSTERS, errors=errors.removeprefix("standard errors by "))]
    )
    return [told[0], *by_cluster, told[1], SHRUNK]


SCORES: dict[str, Pair] = {
    "points_model": ("credit points", "信用分"),
    "points_final": ("final credit points", "最终信用分"),
    "pd": ("probability of default", "违约概率"),
    "fraud_p": ("probability of fraud", "欺诈概率"),
}
"""What the engine's own scores are called where a reader meets them first."""


def what(plan: Mapping[str, Any]) -> Pair:
    """Name the measure: the words that stand in titles."""
    (kind, measure), *_ = plan["measure"].items()
    if kind == "mean":
        return pair("mean_of", score=SCORES.get(measure["score"], measure["score"]))
    if kind == "share_above":
        return pair(
            "share_of", score=SCORES.get(measure["score"], measure["score"]), cut=f"{measure['cut']:g}"
        )
    return pair("ratio_of", **measure)


def dictionary(columns: list[str]) -> list[tuple[str, str, Pair]]:
    """Define the columns of the data: name, type, meaning."""
    unknown = ("text", ("a further name out of the region table", "区划表中的其他名称"))
    return [(name, *COLUMNS.get(name, unknown)) for name in columns]


def _filled(told: Pair, **parts: Any) -> Pair:
    return told[0].format(**parts), told[1].format(**parts)
