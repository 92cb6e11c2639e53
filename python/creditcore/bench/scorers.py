"""Other engines that evaluate tree models, behind one face.

Comes in: model files, and how many threads. Goes out: for each engine that is installed a way to build one
model into a function from a matrix of rows to raw outputs or probabilities. Each engine gets its best form of
call: rows of the model's own features, ready before anything is timed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32] | NDArray[np.float64]
Scorer = Callable[[Rows], NDArray[Any]]


@dataclass(frozen=True)
class Rival:
    """Another engine."""

    name: str
    module: str
    libraries: tuple[str, ...]
    """Whose models it reads."""
    build: Callable[[Path, int], Scorer]
    probability: bool = False
    """Whether it gives probabilities, having no way to give raw outputs."""
    slow: bool = False
    """Whether a model takes seconds to compile or a fleet to evaluate, so that few models are tried."""
    categorical: bool = True
    """Whether it evaluates categorical splits."""

    @property
    def installed(self) -> bool:
        """Whether it can be used here."""
        return find_spec(self.module) is not None


def _lightgbm(file: Path, threads: int) -> Scorer:
    import lightgbm

    booster: Any = lightgbm.Booster(model_file=file)
    return lambda rows: booster.predict(rows, raw_score=True, num_threads=threads)


def _xgboost(file: Path, threads: int) -> Scorer:
    import xgboost

    booster = xgboost.Booster(model_file=file, params={"nthread": threads})
    return lambda rows: booster.inplace_predict(rows, predict_type="margin", validate_features=False)


def _onedal(file: Path, threads: int) -> Scorer:
    import daal4py

    daal4py.daalinit(nthreads=threads)
    model = daal4py.mb.convert_model(_booster(file))
    return lambda rows: model.predict_proba(rows)[:, 1]


def _lleaves(file: Path, threads: int) -> Scorer:
    import lleaves

    model = lleaves.Model(model_file=file)
    model.compile(raw_score=True)
    return lambda rows: model.predict(rows, n_jobs=threads)


def _treelite(file: Path, threads: int) -> Scorer:
    import treelite

    model = _of_treelite(file)
    return lambda rows: treelite.gtil.predict(model, rows, nthread=threads, pred_margin=True).reshape(-1)


def _tl2cgen(file: Path, threads: int) -> Scorer:
    import tl2cgen

    with tempfile.TemporaryDirectory(prefix="creditcore-bench-") as folder:
        library = Path(folder) / "model.so"
        settings = {"parallel_comp": os.cpu_count() or 1}
        with _silent():
            tl2cgen.export_lib(_of_treelite(file), toolchain="gcc", libpath=library, params=settings)
            predictor = tl2cgen.Predictor(library, nthread=threads)
    return lambda rows: predictor.predict(tl2cgen.DMatrix(rows), pred_margin=True).reshape(-1)


def _onnxruntime(file: Path, threads: int) -> Scorer:
    import onnxruntime
    from onnxmltools.convert import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = _booster(file)
    if file.suffix == ".txt":
        inputs = [("rows", FloatTensorType([None, booster.num_feature()]))]
        model = convert_lightgbm(booster, initial_types=inputs, zipmap=False)
    else:
        names = booster.feature_names
        booster.feature_names = [f"f{place}" for place in range(len(names))]
        model = convert_xgboost(booster, initial_types=[("rows", FloatTensorType([None, len(names)]))])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings)
    return lambda rows: session.run(["probabilities"], {"rows": rows.astype(np.float32, copy=False)})[0][:, 1]


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what native code prints away from the figures."""
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)
        try:
            yield
        finally:
            for descriptor, old in zip((1, 2), kept, strict=True):
                os.dup2(old, descriptor)
                os.close(old)


def _booster(file: Path) -> Any:
    if file.suffix == ".txt":
        import lightgbm

        return lightgbm.Booster(model_file=file)
    import xgboost

    return xgboost.Booster(model_file=file)


def _of_treelite(file: Path) -> Any:
    import treelite

    if file.suffix == ".txt":
        return treelite.frontend.load_lightgbm_model(file)
    return treelite.frontend.load_xgboost_model(file)


BOTH = ("lightgbm", "xgboost")
RIVALS = (
    Rival("oneDAL", "daal4py", BOTH, _onedal, probability=True, categorical=False),
    Rival("lleaves", "lleaves", ("lightgbm",), _lleaves, slow=True),
    Rival("TL2cgen", "tl2cgen", BOTH, _tl2cgen, slow=True),
    Rival("LightGBM", "lightgbm", ("lightgbm",), _lightgbm),
    Rival("XGBoost", "xgboost", ("xgboost",), _xgboost),
    Rival("treelite", "treelite", BOTH, _treelite, slow=True),
    Rival("onnxruntime", "onnxruntime", BOTH, _onnxruntime, probability=True, slow=True, categorical=False),
)
