"""One caller of a portfolio at a time.

Comes in: a class whose objects have a lock. Goes out: the class, each public method and property of which
holds that lock while it works. So no one sees a change that is half done, or takes away what it writes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def in_turn(made: type) -> None:
    """Let all public methods of a class, those that it inherits too, take turns on `_turn`."""
    for name in dir(made):
        if name.startswith("_") and name != "__repr__":
            continue
        told = next((kind.__dict__[name] for kind in made.__mro__ if name in kind.__dict__), None)
        if isinstance(told, property) and told.fget is not None:
            setattr(made, name, property(_held(told.fget), doc=told.__doc__))
        elif callable(told) and not isinstance(told, type):
            setattr(made, name, _held(told))


def _held(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def held(self: Any, *arguments: Any, **named: Any) -> Any:
        with self._turn:
            return call(self, *arguments, **named)

    return held
