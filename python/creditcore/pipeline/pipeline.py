"""The whole line over records: features, models, blends, rules, points, in one call or stage by stage.

Comes in: a folder of models with `fleet.toml`, `schema.yaml`, `blend.toml` and `policy.yaml`, as far as there
are such, or a configuration; records. Goes out: the models' outputs, scores and decisions, beside columns of
the records. The order of a run: features -> models -> blends, fraud_p, pd, points_model -> rules, which may
use all of these -> points_final.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import Progress
from creditcore.errors import ArgumentError, SchemaError
from creditcore.features import Schema
from creditcore.fleet.fleet import Fleet
from creditcore.pipeline import inputs as pipeline_inputs
from creditcore.pipeline.files import Options, Written, parts, write
from creditcore.pipeline.folder import BLEND_FILE, POLICY_FILE, SCHEMA_FILE, beside, described, read_stages
from creditcore.scoring.scores import Blend, Scaling, score
from creditcore.sources import open_source
from creditcore.tactics.policy import Policy

if TYPE_CHECKING:
    import polars as pl

    from creditcore.config.config import Config

SCORES = ("fraud_p", "pd", "points_model", "points_final")
DECISIONS = ("decision", "rules", "reasons", "effect", "errors")

__all__ = ["DECISIONS", "SCORES", "Pipeline", "Written", "described"]


class Pipeline:
    """Schema, fleet, blend, scaling and policy joined; immutable, and safe to use from many threads.

    Attributes:
        fleet: the models.
        schema: how columns become features; None where the columns are the features.
        blend: which models make `fraud_p` and `pd`; None where the fleet declares no targets.
        scaling: points.
        policy: the rules; None where there are none.
    """

    def __init__(
        self,
        fleet: Fleet,
        schema: Schema | None = None,
        blend: Blend | None = None,
        scaling: Scaling | None = None,
        policy: Policy | None = None,
        language: str = "en",
    ) -> None:
        """Join the stages; `language` is that of the rules' reasons."""
        self.fleet = fleet
        self.schema = schema
        self.blend = blend
        self.scaling = scaling or Scaling()
        self.policy = policy
        self._language = language
        self._subsets: dict[tuple[str, ...], Fleet] = {}

    @staticmethod
    def load(
        models: str | os.PathLike[str],
        policy: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
    ) -> Pipeline:
        """Read a folder (or a single model file).

        `fleet.toml` says which models there are, `schema.yaml` how their features come about, `blend.toml`
        what is done with their outputs: `on_null`, `[scaling]` (pdo, base_odds, base_points, min_points,
        max_points), `[calibration.fraud]` and `[calibration.credit]`. The blends join the models whose target
        is fraud or default and whose status is champion (or not told), by their weights (1 where not told).
        `policy.yaml` holds the rules.

        Args:
            models: the folder, or a model file.
            policy: another policy file.
            threads: how many to use for reading.

        Raises:
            SourceError, FormatError, ModelError, SchemaError, TacticError: what is wrong with a file, with
                its name.
        """
        folder = Path(models)
        fleet = Fleet.load(folder, threads=threads)
        rules = beside(folder, POLICY_FILE) if policy is None else Path(policy)
        stages = read_stages(fleet, beside(folder, SCHEMA_FILE), beside(folder, BLEND_FILE), rules, folder)
        return Pipeline(fleet, *stages)

    @staticmethod
    def of(config: Config, *, threads: int | None = None) -> Pipeline:
        """Read what a configuration names; what it does not name is looked for beside the models.

        Raises:
            As `load`; SchemaError for a configuration without `[fleet]`, or scaling that is said twice.
        """
        if config.fleet is None:
            raise config.fault(("fleet",), "there are no models; say `models` in `[fleet]`")
        models = config.path(config.fleet.models)
        fleet = Fleet.load(models, threads=threads)
        files = (config.schema_file, config.blend_file, config.policy_file)
        stages = read_stages(fleet, *files, models, config.score.scaling)
        return Pipeline(fleet, *stages, config.policy.language if config.policy else "en")

    @property
    def sources(self) -> list[str]:
        """The columns of records that decide the outputs of models."""
        return list(pipeline_inputs.roles(self.fleet, self.schema))

    @property
    def uses(self) -> dict[str, list[str]]:
        """For each model the columns of records behind its inputs, through derived features too."""
        return pipeline_inputs.uses(self.fleet, self.schema)

    def affected(self, changed: Iterable[str]) -> list[str]:
        """Give the models of which an input hangs on one of these columns of the records."""
        return pipeline_inputs.affected(self.uses, changed)

    @property
    def needed(self) -> list[str]:
        """The models that decide scores and decisions: those of the blends, those that a rule names."""
        models = [model["name"] for model in self.fleet.told]
        if self.blend is None:
            return models
        named = set() if self.policy is None else {name.split(":")[0] for name in self.policy.columns}
        named |= {name.split(":")[0] for name in (*self.blend.fraud, *self.blend.credit)}
        return [name for name in models if name in named]

    @property
    def made(self) -> list[str]:
        """The names that rules may use beside columns and features: outputs of models, and scores."""
        outputs = [
            name if model["outputs"] == 1 else f"{name}:{place}"
            for model in self.fleet.told
            for name in [model["name"]]
            for place in range(model["outputs"])
        ]
        return [*outputs, *SCORES[:3]] if self.blend is not None else outputs

    def inputs_of(self, columns: Sequence[str]) -> list[tuple[str, str]]:
        """The columns of a source that decide scores and decisions, with the roles that they are read in."""
        return pipeline_inputs.inputs(self.fleet, self.schema, self.policy, columns)

    def input_warnings(self, columns: Iterable[str]) -> list[str]:
        """Say which columns of a ranking's grouping or weight are inputs of the models too."""
        inputs = set(self.sources)
        return [
            f"`{column}` is an input of the models: a score by it tells in part what was put in"
            for column in columns
            if column in inputs
        ]

    def features(self, frame: Any, *, threads: int | None = None) -> pl.DataFrame:
        """Give the features of records, in front of the records' other columns.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
        """
        from creditcore._frame import beside as joined
        from creditcore._frame import to_frame

        rows = to_frame(frame)
        return rows if self.schema is None else joined(self.schema.apply(rows, threads=threads), rows)

    def outputs(
        self,
        features: Any,
        models: Sequence[str] | None = None,
        precision: str = "exact",
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Give the outputs of models as scores and rules take them: calibrated probabilities.

        Args:
            features: what `features` gave.
            models: which ones; by default `needed`. Without a blend outputs are raw.
            precision, threads, progress: as in `Fleet.predict`.
        """
        fleet = self.models(self.needed if models is None else models)
        if self.blend is None:
            return fleet.predict(features, "raw", precision, threads, progress)
        made = fleet.predict(features, "probability", precision, threads, progress)
        return fleet.calibrated(made)

    def scores(self, outputs: Any, decisions: Any = None, *, threads: int | None = None) -> pl.DataFrame:
        """Give `fraud_p, pd, points_model, points_final` of what `outputs` gave, with effects of rules.

        Raises:
            ArgumentError: there is no blend; a null that it refuses.
        """
        if self.blend is None:
            raise ArgumentError("there is no blend; declare models of target fraud or default")
        return score(outputs, self.blend, self.scaling, decisions, threads=threads)

    def decide(
        self,
        features: Any,
        outputs: Any,
        scores: Any = None,
        *,
        as_of: date | str | None = None,
        shadow: bool = False,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Run the rules over features, outputs of models and scores.

        Args:
            features, outputs, scores: what these stages gave.
            as_of, shadow, threads: as in `Policy.decide`.

        Returns:
            `decision, rules, reasons, effect, errors`.

        Raises:
            ArgumentError: there is no policy.
            SchemaError: a rule names a column that the records have and that is made here too.
            TacticError: a column that is not there, with the rule.
        """
        from creditcore._frame import beside as joined
        from creditcore._frame import to_frame

        if self.policy is None:
            raise ArgumentError("there are no rules; give a policy")
        rows, made = to_frame(features), to_frame(outputs)
        if scores is not None:
            made = joined(made, to_frame(scores).select(SCORES[:3]))
        named = self.policy.columns
        if twice := [name for name in named if name in rows.columns and name in made.columns]:
            raise SchemaError(
                f"rules name `{twice[0]}`, which is a column of the records and an output of this run; "
                "rename the column"
            )
        seen = joined(made, rows).select([name for name in named if name in {*made.columns, *rows.columns}])
        if not seen.width:
            seen = made[:, :1]  # rules that name no column: any one tells how many records there are
        return self.policy.decide(seen, as_of=as_of, language=self._language, shadow=shadow, threads=threads)

    def score(
        self,
        frame: Any,
        output: str | None = None,
        precision: str = "exact",
        *,
        as_of: date | str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Score records, and decide them where there are rules.

        Args:
            frame: the records.
            output: adds the outputs of every model, `raw` or `probability` (uncalibrated); without it there
                are only scores and decisions, or the raw outputs where there is no blend.
            precision: as in `Fleet.predict`.
            as_of: the day of the decisions, as in `Policy.decide`.
            threads: how many to use; by default one for each processor. Changes no bit of the result.
            progress: called with the number of rows done so far, at most ten times a second.

        Returns:
            A row for each record: the outputs, then `fraud_p`, `pd`, `points_model`, `points_final`, then
            with rules `decision`, `rules`, `reasons`, `effect`, `errors`.

        Memory: the inputs and outputs of all models for the rows of `frame`; give large sources in parts, or
        use `write`.

        Raises:
            SchemaError: a column that is missing or of a wrong type, or one that rules could mean twice.
            ModelError: a model that has no probability.
            TacticError: a rule that names a column that is not there.
            ArgumentError: an output that there is not; a null that the blend refuses.
        """
        from creditcore._frame import beside as joined

        features = self.features(frame, threads=threads)
        shown, scored = [], None
        if output is not None or self.blend is None:
            shown = [self.fleet.predict(features, output or "raw", precision, threads, progress)]
        if output == "probability":
            told = self.fleet.calibrated(shown[0])
        elif self.blend is None:
            told = shown[0]
        else:
            told = self.outputs(features, None, precision, threads=threads, progress=progress)
        if self.blend is not None:
            scored = self.scores(told, threads=threads)
        decisions = None
        if self.policy is not None:
            decisions = self.decide(features, told, scored, as_of=as_of, threads=threads)
            if scored is not None and decisions["effect"].null_count() < len(decisions):
                scored = self.scores(told, decisions.select("effect"), threads=threads)
        return joined(*shown, *(one for one in (scored, decisions) if one is not None))

    def write(
        self,
        source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        path: str | os.PathLike[str],
        output: str | None = None,
        precision: str = "exact",
        *,
        keep: Sequence[str] | None = None,
        text: Sequence[str] = (),
        encoding: str | None = None,
        as_of: date | str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Written:
        """Score the records of files into a file, part by part.

        Args:
            source: Parquet, CSV (gzip too) or Arrow IPC files, as `open_source` takes them; all with the same
                columns and types.
            path: a `.parquet` or `.csv` file; it is there as a whole or not at all. In CSV lists are joined
                by `|`.
            output, precision, as_of: as in `score`.
            keep: columns of the records to write before the outputs, as they are; by default all. A column of
                CSV becomes numbers where every value of the first part is written as one, without leading
                zeros.
            text: columns of CSV that stay text.
            encoding: of CSV text.
            threads, progress: as in `score`.

        Returns:
            How many records there are, how many of them have no `fraud_p` and no `pd`, and the decisions.

        Memory: some 100,000 records with their inputs and outputs.

        Raises:
            As `score`, and SchemaError for a column that is there already, ArgumentError for another ending.
        """
        options = Options(output, precision, as_of, threads)
        return write(self, source, path, options, keep, text, encoding, progress)

    def parts(
        self,
        source: Any,
        output: str | None = None,
        precision: str = "exact",
        *,
        encoding: str | None = None,
        as_of: date | str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Score the records of a source part by part; without schema and blend, the models' raw outputs.

        Args:
            source: files or frames, as `open_source` takes them; of a file only the columns that decide the
                outputs are read.
            output, precision, as_of: as in `score`.
            encoding: of CSV text.
            threads, progress: as in `score`; progress after each part.

        Yields:
            What `score` gives, for some 100,000 records at a time, in the order of the records.

        Memory: two parts of records with their inputs, and the outputs of one.

        Raises:
            As `score`, with file and row.
        """
        opened = open_source(source, encoding=encoding)
        inputs = self.inputs_of(opened.column_names())
        options = Options(output, precision, as_of, threads)
        done = 0
        for _, made, _, _ in parts(self, opened, inputs, [], options):
            done += len(made)
            if progress is not None:
                progress(done)
            yield made

    def models(self, names: Sequence[str]) -> Fleet:
        """Give some of the models; engines that were built for a set of them are built once."""
        if len(names) == len(self.fleet):
            return self.fleet
        wanted = tuple(names)
        if wanted not in self._subsets:
            # Several threads may come here at once: the first one's counts.
            self._subsets.setdefault(wanted, self.fleet.subset(wanted))
        return self._subsets[wanted]

    def __repr__(self) -> str:
        """The fleet, and what else there is."""
        found = [repr(self.fleet)]
        found += ["schema"] if self.schema else []
        found += [repr(self.blend)] if self.blend else []
        found += [repr(self.policy)] if self.policy else []
        return f"<Pipeline: {', '.join(found)}>"
