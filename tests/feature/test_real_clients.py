"""The packaged schema on real clients: the inputs that the credit model was trained on, to the bit.

`PUBLISHED` is the digest of the inputs that came with the model's predictions, as the 32-bit floats that
it takes: 30,000 rows, 34 columns, one after the other, little-endian (UCI data set 350, CC BY 4.0; the
recipes are those of MasTristan/credit-scoring-engine, MIT). In 64 bits three means
differ there by the last bit, because a library multiplied most rows by 1/6 instead of dividing by 6. The
inputs are derived here a second time, by numpy.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import creditcore as cc
from creditcore.demo import UCI, UCI_SCHEMA

PUBLISHED = "533221a3743f62713d618c0cef03c6175b0beef9909d3f98c70322f5288a6caf"


@pytest.fixture(scope="module")
def clients() -> pl.DataFrame:
    return pl.read_csv(gzip.decompress(UCI.read_bytes()), eol_char="\r")


def recipe(raw: pl.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """The derived inputs by numpy, in the words of the model's own training code."""
    of = {name: raw[name].to_numpy() for name in raw.columns}
    pay = np.column_stack([of[f"PAY_{month}"] for month in (0, 2, 3, 4, 5, 6)])
    bill = np.column_stack([of[f"BILL_AMT{month}"] for month in range(1, 7)])
    paid = np.column_stack([of[f"PAY_AMT{month}"] for month in range(1, 7)])
    positive = np.where(of["BILL_AMT1"] > 0, of["BILL_AMT1"], 1)
    ratio = np.where(of["BILL_AMT1"] > 0, np.clip(of["PAY_AMT1"] / positive, 0, 10), 0.0)
    made = {
        "PAY_MEAN": pay.sum(axis=1) / 6,
        "PAY_MAX": pay.max(axis=1),
        "DELINQ_COUNT": (pay > 0).sum(axis=1),
        "BILL_MEAN": bill.sum(axis=1) / 6,
        "PAY_AMT_MEAN": paid.sum(axis=1) / 6,
        "UTILIZATION": np.clip(of["BILL_AMT1"] / of["LIMIT_BAL"], -2, 5),
        "PAYMENT_RATIO": ratio,
        "LIMIT_PER_AGE": of["LIMIT_BAL"] / np.maximum(of["AGE"], 18),
        "SEX_MALE": of["SEX"] == 1,
        "EDUCATION_2": of["EDUCATION"] == 2,
        "EDUCATION_3": of["EDUCATION"] == 3,
        "EDUCATION_4": ~np.isin(of["EDUCATION"], (1, 2, 3)),
        "MARRIAGE_2": of["MARRIAGE"] == 2,
        "MARRIAGE_3": ~np.isin(of["MARRIAGE"], (1, 2)),
    }
    return {name: values.astype(np.float64) for name, values in made.items()}


def test_the_inputs_equal_the_published_ones_to_the_bit(clients: pl.DataFrame) -> None:
    schema = cc.Schema.load(UCI_SCHEMA)
    inputs = schema.apply(clients)
    assert inputs.shape == (30_000, 34)
    derived = recipe(clients)
    for name in schema.names:
        expected = derived[name] if name in derived else clients[name].to_numpy()
        assert inputs[name].to_numpy().tobytes() == expected.astype(np.float32).tobytes(), name
    digest = hashlib.sha256(b"".join(inputs[name].to_numpy().tobytes() for name in inputs.columns))
    assert digest.hexdigest() == PUBLISHED


def test_the_packed_file_gives_the_same_inputs(clients: pl.DataFrame) -> None:
    schema = cc.Schema.load(UCI_SCHEMA)
    assert schema.apply(UCI).equals(schema.apply(clients))
    assert schema.applied(UCI, keep=["ID"]).faults == []


def test_the_sensitive_inputs_are_marked(clients: pl.DataFrame) -> None:
    schema = cc.Schema.load(UCI_SCHEMA)
    assert {"AGE", "SEX_MALE", "MARRIAGE_2"} <= set(schema.sensitive)
    assert schema.geographic == []
    assert Path(UCI_SCHEMA).stat().st_size < 10_000
