"""Single records through a fleet: `Fleet.predict_one` against rivals that are installed, in turn.

In: a folder of LightGBM models and a number of records. Out: for each engine the processor time of a record
over the whole fleet, the median and the least of several runs; answers are compared first. creditcore goes
from dict to dict; LightGBM makes its fast call for one row (C interface, buffers ready), lleaves and TL2cgen
take a row of an array; each model's own columns are laid out before the clock starts.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import creditcore as cc

Row = dict[str, float]
Ask = Callable[[int], list[float]]


def lightgbm_fast(files: list[Path], rows: list[Row]) -> Ask:
    """LightGBM's call for one row, its configuration parsed before."""
    import lightgbm as lgb

    library: Any = importlib.import_module("lightgbm.basic")._LIB

    boosters = [lgb.Booster(model_file=str(file)) for file in files]
    values = [[np.array([row[name] for name in one.feature_name()]) for row in rows] for one in boosters]
    pointers = [[array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in of] for of in values]
    fast, out, length = [], ctypes.c_double(), ctypes.c_int64()
    for booster in boosters:
        handle, raw_score, doubles = ctypes.c_void_p(), 1, 1
        failed = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            *(booster._handle, raw_score, 0, -1, doubles, booster.num_feature(), b"", ctypes.byref(handle))
        )
        assert not failed
        fast.append(handle)

    def ask(row: int) -> list[float]:
        found = []
        for handle, of in zip(fast, pointers, strict=True):
            where = (ctypes.byref(length), ctypes.byref(out))
            library.LGBM_BoosterPredictForMatSingleRowFast(handle, of[row], *where)
            found.append(out.value)
        return found

    ask.keep = (boosters, values)  # type: ignore[attr-defined]
    return ask


def lleaves_compiled(files: list[Path], rows: list[Row]) -> Ask:
    """Models compiled by LLVM."""
    lleaves: Any = importlib.import_module("lleaves")

    models, values = [], []
    for file in files:
        model = lleaves.Model(model_file=str(file))
        model.compile(raw_score=True)
        models.append(model)
        line = next(line for line in file.open(encoding="utf-8") if line.startswith("feature_names="))
        names = line.split("=", 1)[1].split()
        values.append([np.array([[row[name] for name in names]]) for row in rows])
    return lambda row: [
        float(model.predict(of[row], n_jobs=1)[0]) for model, of in zip(models, values, strict=True)
    ]


def tl2cgen_compiled(files: list[Path], rows: list[Row]) -> Ask:
    """Models compiled by gcc."""
    tl2cgen: Any = importlib.import_module("tl2cgen")
    treelite: Any = importlib.import_module("treelite")

    models, values = [], []
    folder = Path(tempfile.mkdtemp())
    for file in files:
        model = treelite.frontend.load_lightgbm_model(file)
        library = folder / f"{file.stem}.so"
        tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 8})
        models.append(tl2cgen.Predictor(library, nthread=1))
        line = next(line for line in file.open(encoding="utf-8") if line.startswith("feature_names="))
        names = line.split("=", 1)[1].split()
        values.append([tl2cgen.DMatrix(np.array([[row[name] for name in names]])) for row in rows])
    return lambda row: [
        float(model.predict(of[row], pred_margin=True).ravel()[0])
        for model, of in zip(models, values, strict=True)
    ]


def creditcore_records(files: list[Path], rows: list[Row]) -> Ask:
    """`predict_one`, from dict to dict."""
    fleet = cc.Fleet.load(files)
    fleet.prepare(1)
    return lambda row: list(fleet.predict_one(rows[row]).values())  # type: ignore[arg-type]


def main() -> None:
    """Compare, then time in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, help="a folder of LightGBM text models")
    parser.add_argument("--most", type=int, default=1000, help="models to take")
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rivals", default="lightgbm,lleaves,tl2cgen")
    told = parser.parse_args()
    files = sorted(told.models.glob("*.txt"))[: told.most]
    columns = [feature["column"] for feature in cc.Fleet.load(files).features]
    random = np.random.default_rng(1)
    draws = np.exp(random.normal(2, 2, (told.records, len(columns)))).round(2)
    rows: list[Row] = [dict(zip(columns, draw, strict=True)) for draw in draws.tolist()]
    makers: dict[str, Any] = {
        "lightgbm": lightgbm_fast,
        "lleaves": lleaves_compiled,
        "tl2cgen": tl2cgen_compiled,
    }
    asks: dict[str, Ask] = {"creditcore": creditcore_records(files, rows)}
    asks |= {name: makers[name](files, rows) for name in told.rivals.split(",") if name}
    answers = {name: np.array([ask(row) for row in range(20)]) for name, ask in asks.items()}
    for name, found in answers.items():
        differ = int((found != answers["creditcore"]).sum())
        print(f"{name}: {differ} of {found.size} answers differ from creditcore's")
    seconds: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(told.runs):
        for name, ask in asks.items():
            start = time.process_time()
            for row in range(told.records):
                ask(row)
            seconds[name].append((time.process_time() - start) / told.records)
    ours = statistics.median(seconds["creditcore"])
    for name, of in seconds.items():
        median = statistics.median(of)
        least = min(of) * 1e6
        print(f"{name:<12}{median * 1e6:>10.1f} us a record, least {least:.1f}; {median / ours:.1f}x")


if __name__ == "__main__":
    main()
