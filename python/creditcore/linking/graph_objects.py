"""A group as a graph object of another library: people and the identifiers that they share.

Comes in: rows of who shows what, members with their levels. Goes out: a `networkx.Graph` or a
`rustworkx.PyGraph`; both libraries are optional and loaded when they are asked for. Nodes are
`("person", key)` and `("identifier", hash)`: identifiers stay hashes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError

if TYPE_CHECKING:
    import polars as pl

Node = tuple[str, Any]


def _nodes(members: pl.DataFrame) -> Iterable[tuple[Node, dict[str, Any]]]:
    for key, level, score in members.select("key", "level", "score").rows():
        yield ("person", key), {"kind": "person", "level": level, "score": score}


def _links(shared: pl.DataFrame) -> Iterable[tuple[Node, Node, dict[str, Any], str]]:
    for key, name, identifier, role, time in shared.rows():
        yield ("person", key), ("identifier", identifier), {"role": role, "time": time}, name


def to_networkx(members: pl.DataFrame, shared: pl.DataFrame) -> Any:
    """Give the graph as networkx has it."""
    try:
        import networkx
    except ModuleNotFoundError as error:
        raise ArgumentError("networkx is not installed; install it to have its graphs") from error
    graph = networkx.Graph()
    for node, told in _nodes(members):
        graph.add_node(node, **told)
    for person, identifier, told, name in _links(shared):
        graph.add_node(identifier, kind="identifier", type=name)
        graph.add_edge(person, identifier, **told)
    return graph


def to_rustworkx(members: pl.DataFrame, shared: pl.DataFrame) -> Any:
    """Give the graph as rustworkx has it; a node's payload is a mapping with `node` beside the rest."""
    try:
        import rustworkx
    except ModuleNotFoundError as error:
        raise ArgumentError("rustworkx is not installed; install it to have its graphs") from error
    graph = rustworkx.PyGraph()
    places: dict[Node, int] = {}
    for node, told in _nodes(members):
        places[node] = graph.add_node({"node": node, **told})
    for person, identifier, told, name in _links(shared):
        if identifier not in places:
            places[identifier] = graph.add_node({"node": identifier, "kind": "identifier", "type": name})
        graph.add_edge(places[person], places[identifier], told)
    return graph
