"""`creditcore bench tactics`: engines whose answers are compared before they are timed."""

from __future__ import annotations

import pytest

from creditcore.bench import tactics
from tests.cli.test_rank_verb import run


def test_engines_find_the_same_hits() -> None:
    done = run(
        *("bench", "tactics", "--records", 5_000, "--rules", 40, "--predicates", 60, "--runs", 1),
        *("--rivals", "decide,polars,duckdb"),
    )
    assert done.returncode == 0, done.stderr
    assert "hits, the same for creditcore, creditcore.decide, polars, duckdb" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[3:7]] == [
        *("creditcore", "creditcore.decide", "polars", "duckdb")
    ]
    assert run("bench", "tactics", "--rivals", "drools").returncode == 2


def test_an_engine_that_finds_other_hits_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tactics.engines

    def wrong(*asked: object) -> object:
        return made(*asked) | {"polars": lambda: [0] * 10}  # type: ignore[arg-type]

    monkeypatch.setattr(tactics, "engines", wrong)
    with pytest.raises(RuntimeError, match="polars finds other hits"):
        list(tactics.compare(2_000, 10, 60, 1, 1, {"polars"}))
