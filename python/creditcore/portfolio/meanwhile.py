"""Work that another thread does while the caller goes on.

Comes in: a function. Goes out: what it gives, or raises, when the caller asks for it. A caller that fails
or is interrupted asks the work to stop and waits for that, so nothing goes on behind its back. What is worked
out does not hang on which of the two ends first (law 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from creditcore.errors import Cancelled

S = TypeVar("S")
T = TypeVar("T")


def one_ahead(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Give what work gives for each item, in their order; the next is worked out while the caller goes on."""
    with ThreadPoolExecutor(1, "creditcore-ahead") as pool:
        waiting: list[Future[T]] = []
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 1:
                yield waiting.pop(0).result()
        yield from (one.result() for one in waiting)


@contextmanager
def meanwhile(work: Callable[[Callable[[int], None]], T]) -> Iterator[Callable[[], T]]:
    """Begin some work; gives a function that waits for its result.

    Args:
        work: takes a report of progress, which raises when the work is to stop.
    """
    stopped = Event()

    def report(_: int) -> None:
        if stopped.is_set():
            raise Cancelled("the caller has stopped")

    with ThreadPoolExecutor(1, "creditcore-meanwhile") as pool:
        found = pool.submit(work, report)
        try:
            yield found.result
        except BaseException:
            stopped.set()
            raise
