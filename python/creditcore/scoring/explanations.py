"""Reasons: why a score is what it is, in points that add up to it.

Comes in: contributions of features to the credit models' log-odds, the blend, the scores. Goes out: the
parts of every score, and at most four adverse reasons with texts in English or Chinese.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError, SchemaError
from creditcore.scoring.scores import Blend, Scaling
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl

LANGUAGES = ("en", "zh")
"""The languages that a file of reason texts may hold."""


class ReasonTexts:
    """What to tell a borrower about a feature, in several languages; immutable.

    >>> from creditcore.scoring.explanations import ReasonTexts
    >>> texts = ReasonTexts({"PAY_MAX": {"en": "Payments were late", "zh": "曾有逾期还款"}})
    >>> texts.text("PAY_MAX", "zh"), texts.text("AGE", "zh")
    ('曾有逾期还款', 'AGE')
    """

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        """Take texts by feature and language (`en`, `zh`).

        Raises:
            SchemaError: a language or a text that is none.
        """
        self._texts = _checked(texts, "texts")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ReasonTexts:
        """Read a YAML file: `FEATURE: {en: text, zh: text}`.

        Raises:
            SchemaError: a file that cannot be read, another language, an empty text, a feature that comes
            twice.
        """
        from creditcore.documents import read_yaml

        made = cls({})
        made._texts = _checked(read_yaml(path), os.fspath(path))
        return made

    def text(self, feature: str, language: str = "en") -> str:
        """Give the text of a feature; its name where there is none."""
        return self._texts.get(feature, {}).get(language, feature)

    def __len__(self) -> int:
        """How many features have a text."""
        return len(self._texts)


def _checked(told: Any, place: str) -> dict[str, dict[str, str]]:
    if not isinstance(told, Mapping):
        raise SchemaError(f"`{place}`: reason texts are a mapping of features to texts by language")
    for feature, texts in told.items():
        if not isinstance(texts, Mapping) or not texts:
            raise SchemaError(f"`{place}`: feature `{feature}` has no texts by language (`en`, `zh`)")
        for language, text in texts.items():
            if language not in LANGUAGES:
                raise SchemaError(
                    f"`{place}`: feature `{feature}`: no language `{language}`; it is `en` or `zh`"
                )
            if not isinstance(text, str) or not text.strip():
                raise SchemaError(f"`{place}`: feature `{feature}`: the text in `{language}` is `{text}`")
    return {str(feature): dict(texts) for feature, texts in told.items()}


class Reasons:
    """The parts of scores, and the adverse ones among them."""

    def __init__(self, parts: _core.Table, adverse: _core.Table, texts: ReasonTexts, language: str) -> None:
        """Wrap native tables; made by `reasons`."""
        self._parts, self._adverse = parts, adverse
        self._texts, self._language = texts, language

    @property
    def parts(self) -> pl.DataFrame:
        """Every part of every score: `row` (from 0), `kind`, `feature`, `points`.

        `kind` is `base`, `feature`, `calibration`, `rounding`, `effect`, `cap` or `clamp`; parts of zero
        points are left out. All parts of a row add up to its `points_final`, those before `effect` to its
        `points_model`, exactly. A record without points has no parts.
        """
        from creditcore._frame import to_polars

        return to_polars(self._parts)

    @property
    def adverse(self) -> pl.DataFrame:
        """The reasons: `row` (from 0), `place` (from 1), `feature`, `points` (below zero), `text`.

        The features that took most points first; ties go by the feature's name.
        """
        from creditcore._frame import to_polars

        frame = to_polars(self._adverse)
        names = frame["feature"].unique().to_list()
        told = [self._texts.text(name, self._language) for name in names]
        return frame.with_columns(frame["feature"].replace_strict(names, told).alias("text"))


def reasons(
    contributions: Mapping[str, Any],
    features: Mapping[str, Sequence[str]] | Sequence[str],
    scores: Records,
    blend: Blend,
    scaling: Scaling | None = None,
    decisions: Records | None = None,
    *,
    n: int = 4,
    texts: ReasonTexts | Mapping[str, Mapping[str, str]] | None = None,
    language: str = "en",
) -> Reasons:
    """Explain scores by their features.

    Args:
        contributions: for each credit model of the blend an array (rows, features + 1) in log-odds, the base
            last, as `fleet.contributions` gives it. A row whose base is NaN is one without output.
        features: the names of the features of each model, or one list where all have the same.
        scores: what `score` gave for the same records; `points_model` is read.
        blend: the blend that the scores were made with.
        scaling: the scaling that they were made with; `Scaling()` by default.
        decisions: the decisions that they were made with.
        n: reasons for each record at most, from 1 to 4.
        texts: what to tell about a feature; its name where there is none.
        language: `"en"` or `"zh"`.

    Returns:
        A `Reasons` with the frames `parts` and `adverse`.

    Raises:
        ArgumentError: a model of the blend without contributions, arrays of another shape, contributions
            that do not add up to the points (with the row), another `n` or language.
        SchemaError: texts that cannot be read, scores without `points_model`.

    Under a Platt calibration contributions are stretched by its slope; what an isotonic one moves is a
    part of its own. The contributions are those of exact path-dependent TreeSHAP (Lundberg et al., *From
    local explanations to global understanding with explainable AI for trees*, 2020).
    """
    from creditcore._frame import named_columns

    if n not in range(1, 5):
        raise ArgumentError(f"`n` is `{n}`; it is from 1 to 4")
    if language not in LANGUAGES:
        raise ArgumentError(f"`language` is `{language}`; it is `en` or `zh`")
    sources = []
    for name in blend.credit:
        if name not in contributions:
            raise ArgumentError(
                f"model `{name}` of the blend has no contributions (there are {[*contributions]})"
            )
        known = features.get(name) if isinstance(features, Mapping) else features
        if known is None:
            raise ArgumentError(f"model `{name}` has no names of features")
        sources.append(open_source(named_columns(name, contributions[name], list(known))))
    parts, adverse = _core.explain(
        sources,
        open_source(scores),
        blend._json,
        (scaling or Scaling())._scale,
        None if decisions is None else open_source(decisions),
        most=n,
    )
    if not isinstance(texts, ReasonTexts):
        texts = ReasonTexts(texts or {})
    return Reasons(parts, adverse, texts, language)
