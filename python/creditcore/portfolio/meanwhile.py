"""Work that other threads do while the caller goes on.

Comes in: functions. Goes out: what they give, or raise, when the caller asks for it. A caller that fails
or is interrupted asks the work to stop and waits for that, so nothing goes on behind its back. What is worked
out does not hang on which of the two ends first (law 2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Protocol, TypeVar

from creditcore.errors import Cancelled

DEEP = 4
"""Items that wait or are under way for each worker: finding the next one may take longer than one takes."""
S = TypeVar("S")
T = TypeVar("T")


class Begin(Protocol):
    """Begins some work; gives a function that waits for its result."""

    def __call__(self, work: Callable[[Callable[[int], None]], T], /) -> Callable[[], T]:
        """Begin it."""
        ...


def ahead(work: Callable[[S], T], items: Iterable[S], workers: int) -> Generator[T, None, None]:
    """Give what work gives for each item, in their order; workers go on with the next ones meanwhile.

    Args:
        work: what is done for an item, by any thread.
        items: taken by the caller's thread, some for each worker ahead.
        workers: threads.
    """
    pool = ThreadPoolExecutor(workers, "creditcore-ahead")
    waiting: deque[Future[T]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > DEEP * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Who fails, or stops asking, waits for what is under way alone.
        pool.shutdown(cancel_futures=True)


@contextmanager
def meanwhile() -> Iterator[Begin]:
    """Give what begins some work, and gives a function that waits for its result.

    Work takes a report of progress, which raises when it is to stop. One thing is done after the other, in
    the order in which they were begun, so what comes later may ask for the result of what came before.
    """
    stopped = Event()

    def report(_: int) -> None:
        if stopped.is_set():
            raise Cancelled("the caller has stopped")

    with ThreadPoolExecutor(1, "creditcore-meanwhile") as pool:
        try:
            yield lambda work: pool.submit(work, report).result
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
