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
from typing import TypeVar

from creditcore.errors import Cancelled

DEEP = 4
"""Items that wait or are under way for each worker: finding the next one may take longer than one takes."""
S = TypeVar("S")
T = TypeVar("T")


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
