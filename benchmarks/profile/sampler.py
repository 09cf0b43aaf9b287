"""Sample the main thread's stack with a timer. Each sample counts the time since the last one.

It measures wall time, not CPU, because waiting for the database is part of a ticket's time. A
call that blocks longer than a tick counts with all of its time. A tracing profiler would make
small functions look too expensive.
"""

import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType

from benchmarks.profile.groups import Frame, group_of

TICK = 0.001  # seconds


class Sampler:
    """Seconds by group, and by group and innermost function."""

    def __init__(self) -> None:
        self.by_group: defaultdict[str, float] = defaultdict(float)
        self.by_function: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._last = 0.0
        self._looking = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample while the block runs."""
        previous = signal.signal(signal.SIGALRM, self._sample)
        self._last = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if self._looking:  # a tick arrived during a sample
            return
        self._looking = True
        spent = time.perf_counter() - self._last
        stack = []
        while frame is not None:
            stack.append(_named(frame.f_code))
            frame = frame.f_back
        group = group_of(stack)
        self.by_group[group] += spent
        innermost = stack[0] if stack else Frame(file="?", function="?")
        place = "/".join(innermost.file.rsplit("/", 2)[-2:])
        self.by_function[group, f"{place}:{innermost.function}"] += spent
        self._looking = False
        self._last = time.perf_counter()


@cache
def _named(code: CodeType) -> Frame:
    return Frame(file=code.co_filename.replace("\\", "/"), function=code.co_name)
