"""Components as networkx finds them, on a graph of people and identifiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx
import polars as pl

Links = Iterable[tuple[Any, Any]]
"""Pairs of a key and an identifier; no identifier for a person alone."""


def components(links: Links, cap: int | None = None) -> dict[Any, Any]:
    """For each key the smallest key that is connected with it."""
    graph = nx.Graph()
    for key, identifier in links:
        graph.add_node(("key", key))
        if identifier is not None:
            graph.add_edge(("key", key), ("identifier", identifier))
    if cap is not None:
        hubs = [node for node in graph if node[0] == "identifier" and graph.degree(node) > cap]
        graph.remove_nodes_from(hubs)
    found: dict[Any, Any] = {}
    for nodes in nx.connected_components(graph):
        keys = [name for sort, name in nodes if sort == "key"]
        found.update(dict.fromkeys(keys, min(keys)) if keys else {})
    return found


def as_dict(frame: pl.DataFrame) -> dict[Any, Any]:
    """Components as a mapping of keys; a key twice is an error."""
    assert frame.columns == ["key", "component"]
    assert frame["key"].is_unique().all()
    return dict(frame.rows())


def of_edges(edges: Iterable[tuple[int, int]], nodes: Iterable[int]) -> Mapping[str, list[Any]]:
    """A plain graph as records: each edge is an identifier that its two nodes share."""
    keys: list[int] = []
    shared: list[str | None] = []
    for number, edge in enumerate(edges):
        for node in edge:
            keys.append(node)
            shared.append(f"e{number}")
    for node in nodes:
        keys.append(node)
        shared.append(None)
    return {"key": keys, "edge": shared}
