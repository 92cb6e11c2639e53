"""Person models: fitted on labels, used in all three timing regimes, stopped by the guard."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.bench.credit_graph import COLUMNS, CreditGraph, draw_graph
from creditcore.bench.planted_rings import average_precision
from creditcore.linking import person_model
from creditcore.linking.person_model import GUARD, PersonModel

TIMINGS = ("bursts", "waves", "none")
PEOPLE = 24_000

pytestmark = pytest.mark.parity
pytest.importorskip("lightgbm")


def network_of(graph: CreditGraph) -> cc.Network:
    return cc.Network.build(graph.frame(), "key", COLUMNS, None if graph.day is None else "day").fit()


def labels_of(graph: CreditGraph) -> dict[str, Any]:
    return {"key": graph.key, "label": graph.ring >= 0}


@pytest.fixture(scope="module")
def fitted() -> dict[str, PersonModel]:
    """A model of each regime, of fewer rings than are asked for outside of tests."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(person_model, "LEAST_RINGS", 5)
        for timing in TIMINGS:
            graph = draw_graph(PEOPLE, 3, timing)
            network = network_of(graph).fit(labels_of(graph))
            assert network.person_model is not None, network.notes
            found[timing] = network.person_model
    return found


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_model_is_used_where_it_was_fitted(fitted: dict[str, PersonModel], timing: str) -> None:
    graph = draw_graph(PEOPLE, 4, timing)
    network = network_of(graph)
    plain = network.find_groups().people()["score"].to_numpy()
    network.person_model = fitted[timing]
    groups = network.find_groups()
    assert groups.notes[0].startswith("person model of ")
    scores = groups.people()["score"].to_numpy()
    truth = graph.ring >= 0
    assert average_precision(truth, scores) > average_precision(truth, plain)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("other", TIMINGS)
def test_the_guard_looks_at_who_passes(fitted: dict[str, PersonModel], timing: str, other: str) -> None:
    """A model is used exactly where it passes as many people as where it was fitted, within a factor."""
    network = network_of(draw_graph(PEOPLE, 5, other))
    plain = network.find_groups()
    model = fitted[timing]
    network.person_model = model
    groups = network.find_groups()
    scores = groups.people()["score"]
    if groups.notes[0].startswith("person model of "):
        rate = float((scores >= groups.config["cut"]).mean() or 0.0)
        assert model.pass_rate / GUARD <= rate <= model.pass_rate * GUARD
    else:
        assert groups.notes[0].startswith("label-free score: the person model does not fit these records")
        assert groups.people().equals(plain.people())
        assert groups.all().equals(plain.all())


def test_a_model_that_passes_everyone_is_stopped(fitted: dict[str, PersonModel]) -> None:
    network = network_of(draw_graph(PEOPLE, 5))
    plain = network.find_groups()
    network.person_model = fitted["bursts"]
    groups = network.find_groups(config={"cut": 0.0})
    assert "does not fit these records (100.00% of people pass the filter" in groups.notes[0]
    assert groups.people().equals(plain.people())


def test_a_model_is_text_and_comes_back(fitted: dict[str, PersonModel]) -> None:
    model = fitted["bursts"]
    assert PersonModel.from_json(model.to_json()) == model
    with pytest.raises(cc.FormatError, match="not a person model"):
        PersonModel.from_json("{}")
    network = cc.Network.build({"key": [1, 2], "device": ["a", "a"]}, "key", {"device": "device"})
    network.person_model = model
    with pytest.raises(cc.ArgumentError, match="the person model needs feature"):
        network.find_groups()


def test_few_labels_fit_no_model() -> None:
    graph = draw_graph(6_000, 6)
    network = network_of(graph).fit(pl.DataFrame(labels_of(graph)))
    assert network.person_model is None
    assert "a person model takes 100 and 1,000" in network.notes[0]
