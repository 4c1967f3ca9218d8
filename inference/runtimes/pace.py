"""Loading a version in small pieces, between which requests go first.

A load and the event loop share one interpreter, so a piece of the load may keep an answer waiting
as long as it lasts. What can be chosen is how much of the time is such pieces: while requests come,
a load rests many times as long as it has worked and so takes seconds; else it hardly rests.
"""

import time
from collections.abc import Callable

Rest = Callable[[], None]

# A piece may be followed by a request even where none came before it.
LEAST_SECONDS = 0.004
# Rest for each second of work while requests come: work is less than a hundredth of the time, so
# that the 99th percentile of answers hardly knows of it ...
TIMES = 120.0
# ... but for no more than this at once: a single long piece meets few requests anyway.
LONGEST_SECONDS = 1.0


def breathe() -> None:
    """Rest where nobody counts requests."""
    time.sleep(LEAST_SECONDS)


def pause(worked: float, busy: bool) -> float:
    """Seconds to rest after so many seconds of work; ``busy`` when requests came meanwhile."""
    return min(max(LEAST_SECONDS, worked * TIMES), LONGEST_SECONDS) if busy else LEAST_SECONDS


def pace(arrived: Callable[[], int]) -> Rest:
    """What a load of the calling thread calls between its pieces.

    ``arrived`` is how many requests have come so far.
    """
    done, seen = time.thread_time(), arrived()

    def rest() -> None:
        nonlocal done, seen
        time.sleep(pause(time.thread_time() - done, arrived() != seen))
        done, seen = time.thread_time(), arrived()

    return rest
