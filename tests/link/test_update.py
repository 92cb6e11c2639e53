"""Updates: equal, to the last byte, to a network built of the records that are left."""

from __future__ import annotations

import datetime
import random
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.hash_keys import hash_key
from creditcore.linking.network import net_features
from creditcore.sources import open_source
from tests.rounds import rounds

NAMES = {"device": "device", "card": ["card", "cards"], "phone": "phone", "contact": "contact"}
SCHEMA: dict[str, Any] = {
    "key": pl.Int64,
    "device": pl.String,
    "card": pl.String,
    "cards": pl.List(pl.String),
    "phone": pl.Int64,
    "contact": pl.String,
    "time": pl.Datetime("us"),
}
START = datetime.datetime(2026, 1, 1)
CONFIG = {"caps": {"device": 3, "phone": 4}}
Row = dict[str, Any]


def draw_row(draws: random.Random, key: int) -> Row:
    def maybe(value: Any) -> Any:
        return value if draws.random() < 0.7 else None

    return {
        "key": key,
        "device": maybe(f"d{draws.randrange(9)}"),
        "card": maybe(f"card{draws.randrange(30)}"),
        "cards": maybe([f"card{draws.randrange(30)}" for _ in range(draws.randrange(3))]),
        "phone": maybe(12_000_000_000 + draws.randrange(12)),
        "contact": maybe(f"+86 {12_000_000_000 + draws.randrange(12)}"),
        "time": maybe(START + datetime.timedelta(hours=draws.randrange(5_000))),
    }


def frame_of(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame([{name: row[name] for name in SCHEMA} for row in rows], schema=SCHEMA)


def build(rows: list[Row]) -> cc.Network:
    return cc.Network.build(frame_of(rows), "key", NAMES, "time", CONFIG)


def step(draws: random.Random, state: dict[int, list[Row]]) -> tuple[list[Row], datetime.datetime | None]:
    """A delta, applied to the state: keys with their rows."""
    delta: list[Row] = []
    for _ in range(draws.randrange(6)):
        key = draws.choice(sorted(state)) if state and draws.random() < 0.6 else draws.randrange(60)
        if any(row["key"] == key for row in delta):
            continue
        if draws.random() < 0.3:
            delta.append(draw_row(draws, key) | {"op": "delete"})
            state.pop(key, None)
            continue
        # A record that comes back as it was changes nothing; one of several rows is one person.
        same = key in state and draws.random() < 0.2
        rows = state[key] if same else [draw_row(draws, key) for _ in range(draws.choice([1, 1, 1, 2]))]
        delta += [row | {"op": draws.choice(["upsert", None])} for row in rows]
        state[key] = rows
    if draws.random() < 0.75:
        return delta, None
    limit = START + datetime.timedelta(hours=draws.randrange(2_500))
    for key, rows in list(state.items()):
        times = [row["time"] for row in rows if row["time"] is not None]
        if times and max(times) < limit:
            del state[key]
    return delta, limit


@pytest.mark.parametrize("seed", range(rounds(200)))
def test_a_history_ends_where_a_build_of_what_is_left_begins(seed: int) -> None:
    draws = random.Random(seed)
    first = [draw_row(draws, draws.randrange(60)) for _ in range(draws.randrange(40))]
    state: dict[int, list[Row]] = {}
    for row in first:
        state.setdefault(row["key"], []).append(row)
    network = build(first)
    # What changed is told since the last update that asked; the first tells it since the network before.
    known, last, kept, looked_at = network.ego_features(), network.ego_features(), False, False
    for _ in range(5):
        before = dict(state)
        delta, limit = step(draws, state)
        draws.shuffle(delta)
        frame = pl.DataFrame(delta, schema=SCHEMA | {"op": pl.String}) if delta else None
        asked = draws.random() < 0.5
        network = network.update(frame, expire_before=limit, features=asked)
        left = [row for rows in state.values() for row in rows]
        draws.shuffle(left)
        built = build(left)
        assert network.to_bytes() == built.to_bytes()
        assert network.components().equals(built.components())
        assert network.components(2).equals(built.components(2))
        assert network.hubs().equals(built.hubs())
        assert network.sizes == built.sizes
        check_changes(network, before, state)
        features = built.ego_features()
        if asked:
            check_features(network, known if kept else last, features, exact=not looked_at)
            known, kept, looked_at = features, True, False
        elif draws.random() < 0.3:
            assert network.ego_features().equals(features)
            looked_at = True
        last = features
        if state:
            key = draws.choice(sorted(state))
            assert network.neighbours(key, 2).equals(built.neighbours(key, 2))


def check_changes(network: cc.Network, before: dict[int, list[Row]], state: dict[int, list[Row]]) -> None:
    told = dict(network.changed.rows())
    assert network.changed["key"].is_sorted()
    assert {key for key, change in told.items() if change == "inserted"} == set(state) - set(before)
    assert {key for key, change in told.items() if change in ("deleted", "expired")} == set(before) - set(
        state
    )
    # Rows may differ and mean the same, such as an identifier given twice; what is equal is not changed.
    changed = {key for key, change in told.items() if change == "changed"}
    assert changed <= {key for key in set(state) & set(before) if state[key] != before[key]}
    for key in set(state) & set(before) - changed:
        assert build(state[key]).to_bytes() == build(before[key]).to_bytes()


def check_features(
    network: cc.Network, before: pl.DataFrame, after: pl.DataFrame, exact: bool = True
) -> None:
    """The features that are told to have changed are those that differ when all are computed anew."""
    told = network.changed_features.rows()
    assert network.ego_features().equals(after)
    known = set(before.rows()) if before.columns == after.columns else set()
    others = [row for row in after.rows() if row not in known]
    # Who was looked at between two updates that asked may have changed and changed back.
    assert told == others if exact else set(others) <= set(told) <= set(after.rows())


@pytest.mark.parametrize("seed", range(rounds(60)))
def test_some_features_are_renewed_as_all_are(seed: int) -> None:
    """Of features that are kept alone those are told whose values differ when all are computed anew."""
    draws = random.Random(seed)
    state: dict[int, list[Row]] = {}
    for row in [draw_row(draws, draws.randrange(60)) for _ in range(40)]:
        state.setdefault(row["key"], []).append(row)
    network = build([row for rows in state.values() for row in rows])
    names = network.ego_features().columns[1:]
    some = draws.sample(names, draws.choice([1, 2, 5]))
    only = [name.removeprefix("net_now_") for name in some]
    known, core = network.ego_features().select("key", *some), network._core
    for _ in range(6):
        delta, limit = step(draws, state)
        source = open_source(pl.DataFrame(delta, schema=SCHEMA | {"op": pl.String}))
        before = None if limit is None else int(limit.replace(tzinfo=datetime.UTC).timestamp())
        core, _, told, _ = core.update(source, hash_key(), expire_before=before, features=20.0, only=only)
        assert told is not None
        built = build([row for rows in state.values() for row in rows]).ego_features()
        after = built.select("key", *some) if built.columns == ["key", *names] else known.clear()
        before_rows = set(known.rows())
        assert net_features(told, "now").rows() == [row for row in after.rows() if row not in before_rows]
        assert cc.Network(core).ego_features().equals(built)
        known = after
    with pytest.raises(cc.ArgumentError, match="no feature `partner`"):
        core.update(None, hash_key(), features=20.0, only=["partner"])


def test_an_identifier_passes_its_cap_both_ways() -> None:
    """With a cap of 3: the fourth person makes a hub of the device, whose links all weigh nothing then."""
    rows = [{"key": key, "device": "d"} for key in range(4)]
    kept = cc.Network.build(
        pl.DataFrame(rows[:3]), "key", {"device": "device"}, config={"caps": {"device": 3}}
    )
    assert len(kept.hubs()) == 0
    hub = kept.update(pl.DataFrame(rows[3:]), features=True)
    assert hub.hubs()["people"].to_list() == [4]
    assert hub.changed_features["key"].to_list() == [0, 1, 2, 3]
    assert hub.changed_features["net_now_partners"].to_list() == [0.0] * 4
    # One more changes the hub and nobody's features but its own.
    more = hub.update({"key": [9], "device": ["d"]}, features=True)
    assert more.hubs()["people"].to_list() == [5]
    assert more.changed_features["key"].to_list() == [9]
    back = more.update({"key": [9, 1], "device": [None, None], "op": ["delete", "delete"]}, features=True)
    assert back.changed_features["net_now_partners"].to_list() == [2.0] * 3
    # The last members go one after the other; one alone is linked with nobody.
    for gone, left in ((0, [2, 3]), (2, [3])):
        back = back.update({"key": [gone], "device": [None], "op": ["delete"]}, features=True)
        assert back.changed_features["key"].to_list() == left
    assert back.changed_features["net_now_partners"].to_list() == [0.0]
    empty = back.update({"key": [3], "device": [None], "op": ["delete"]}, features=True)
    assert empty.changed_features.is_empty()
    assert empty.sizes.people == 0


def test_versions_stay_as_they_are() -> None:
    """A network that was updated is still what it was, also along a chain and where two updates part."""
    draws = random.Random(6)
    rows = {key: [draw_row(draws, key)] for key in range(40)}
    versions, states = [build([row for own in rows.values() for row in own])], [dict(rows)]
    for _ in range(12):
        delta, limit = step(draws, rows)
        frame = pl.DataFrame(delta, schema=SCHEMA | {"op": pl.String}) if delta else None
        versions.append(versions[-1].update(frame, expire_before=limit, features=draws.random() < 0.5))
        states.append(dict(rows))
    order = list(range(len(versions)))
    draws.shuffle(order)
    for number in order:
        wanted = build([row for own in states[number].values() for row in own])
        assert versions[number].to_bytes() == wanted.to_bytes()
        assert versions[number].ego_features().equals(wanted.ego_features())
        added = draw_row(draws, 1_000)
        other = versions[number].update(frame_of([added]), features=True)
        left = [row for own in states[number].values() for row in own]
        assert other.to_bytes() == build([*left, added]).to_bytes()


@pytest.mark.parametrize("seed", range(6))
def test_more_strong_ties_than_are_kept(seed: int) -> None:
    """Ninety people on a few devices: lists are long, of strong ties the weaker ones are left out."""
    draws = random.Random(seed)
    config = {"caps": {"device": 120, "card": 120}, "strengths": {"device": 64.0, "card": 40.0}}

    def row(key: int) -> Row:
        day = START + datetime.timedelta(days=draws.randrange(40))
        device, card = (
            draws.choice(["a", "a", "a", "b", None]),
            draws.choice([f"c{draws.randrange(4)}", None]),
        )
        return {"key": key, "device": device, "card": card, "time": day}

    def whole(rows: dict[int, Row]) -> cc.Network:
        frame = pl.DataFrame(list(rows.values()), infer_schema_length=None)
        return cc.Network.build(frame, "key", {"device": "device", "card": "card"}, "time", config)

    rows = {key: row(key) for key in range(90)}
    network = whole(rows)
    known = network.ego_features()
    for _ in range(12):
        keys = draws.sample(range(130), draws.choice([1, 3, 40]))
        gone = {key for key in keys if draws.random() < 0.5}
        delta = [row(key) | {"op": "delete" if key in gone else "upsert"} for key in keys]
        for told in delta:
            rows.pop(told["key"], None)
            if told["op"] == "upsert":
                rows[told["key"]] = {name: value for name, value in told.items() if name != "op"}
        network = network.update(pl.DataFrame(delta, infer_schema_length=None), features=True)
        features = whole(rows).ego_features()
        check_features(network, known, features)
        known = features
        assert network.to_bytes() == whole(rows).to_bytes()


def test_a_week_of_expiring_days() -> None:
    """Records expire day by day, and every day is equal to a build of what is left."""
    draws = random.Random(7)
    rows = [draw_row(draws, key) | {"time": START + datetime.timedelta(hours=key)} for key in range(24 * 8)]
    network = build(rows)
    for day in range(9):
        limit = (START + datetime.timedelta(days=day)).date()
        left = [row for row in rows if row["time"].date() >= limit]
        known = network.ego_features()
        network = network.update(expire_before=limit, features=True)
        assert network.to_bytes() == build(left).to_bytes()
        check_features(network, known, build(left).ego_features())
    assert network.sizes.people == 0


def test_an_update_that_is_refused_changes_nothing() -> None:
    draws = random.Random(8)
    network = build([draw_row(draws, key) for key in range(30)]).update(features=True)
    whole, features = network.to_bytes(), network.ego_features()
    with pytest.raises(cc.SourceError, match="column `op` holds"):
        network.update(frame_of([draw_row(draws, 5)]).with_columns(op=pl.lit("insert")))
    with pytest.raises(cc.ArgumentError, match="`tau` is"):
        network.update(features=True, tau=0.0)
    with pytest.raises(cc.ArgumentError, match="no features were kept"):
        _ = network.update().changed_features
    assert network.to_bytes() == whole
    assert network.ego_features().equals(features)


def test_adding_and_taking_away_leaves_no_trace() -> None:
    draws = random.Random(1)
    rows = [draw_row(draws, key) for key in range(50)]
    network = build(rows)
    added = frame_of([draw_row(draws, key) for key in (-3, 100, 200)])
    larger = network.update(added)
    assert larger.to_bytes() != network.to_bytes()
    deletes = added.with_columns(op=pl.lit("delete"))
    assert larger.update(deletes).to_bytes() == network.to_bytes()
    assert network.update(deletes).to_bytes() == network.to_bytes()
    assert network.update().to_bytes() == network.to_bytes()
    assert network.update(added.clear()).to_bytes() == network.to_bytes()
    assert network.update(frame_of(rows)).changed.is_empty()


def test_any_split_of_a_delta_gives_the_same_network() -> None:
    draws = random.Random(2)
    rows = [draw_row(draws, key) for key in range(80)]
    whole = build(rows)
    for parts in (2, 3, 8):
        network = build([])
        for part in range(parts):
            network = network.update(frame_of(rows[part::parts]))
        assert network.to_bytes() == whole.to_bytes()


def test_versions_and_deletes_of_one_key_in_one_delta() -> None:
    draws = random.Random(3)
    old, first, second = (draw_row(draws, 1) for _ in range(3))
    network = build([old])

    def updated(rows: list[Row], **columns: list[Any]) -> bytes:
        frame = frame_of(rows).with_columns(pl.Series(name, values) for name, values in columns.items())
        return network.update(frame).to_bytes()

    assert updated([first, second], op=["delete", None]) == build([second]).to_bytes()
    assert updated([first, second], op=[None, "delete"]) == build([]).update(frame_of([])).to_bytes()
    assert updated([first, second], version=[2, 1]) == build([first]).to_bytes()
    assert updated([first, second], version=[7, 7]) == build([first, second]).to_bytes()
    assert updated([first, second], version=[2, 1], op=["upsert", "delete"]) == build([first]).to_bytes()


def test_what_was_learned_stays_as_it_is() -> None:
    draws = random.Random(4)
    fitted = build([draw_row(draws, key) for key in range(60)]).fit()
    after = fitted.update(frame_of([draw_row(draws, key) for key in range(40, 90)]))
    assert after.config == fitted.config
    again = cc.Network.from_bytes(fitted.to_bytes())
    delta = frame_of([draw_row(draws, 7)])
    assert again.update(delta).to_bytes() == fitted.update(delta).to_bytes()


def test_deltas_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = random.Random(5)
    network, delta = build([draw_row(draws, 1)]), frame_of([draw_row(draws, 2)])
    with pytest.raises(cc.SourceError, match="column `op` holds `insert`; allowed are `upsert` and `delete`"):
        network.update(delta.with_columns(op=pl.lit("insert")))
    with pytest.raises(cc.SchemaError, match="column `version` is of type"):
        network.update(delta.with_columns(version=pl.lit(1.5)))
    with pytest.raises(cc.SchemaError, match="key column `key` is of another type"):
        network.update(delta.with_columns(pl.col("key").cast(pl.String)))
    with pytest.raises(cc.SchemaError, match="no column `phone`"):
        network.update(delta.drop("phone"))
    with pytest.raises(cc.ArgumentError, match="lies between 1970 and 2106"):
        network.update(expire_before=datetime.date(1960, 1, 1))
    monkeypatch.setenv("CREDITCORE_HASH_KEY", "another key than that of the process")
    with pytest.raises(cc.ArgumentError, match="made with another hash key"):
        network.update(delta)
    # Nothing is hashed where only time passes.
    assert network.update(expire_before=datetime.date(2026, 1, 1)).to_bytes() == network.to_bytes()
