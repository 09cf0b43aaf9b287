"""The CPU time of calls in this process, measured in blocks that alternate between the sides.

A single call after one of another side finds the processor's caches full of the other's data, and
needs up to half more CPU than in a server, which gets many calls of the same kind. Short blocks
that take about the same time on each side meet the same conditions, if other work comes and goes
on the machine.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WARM_BLOCKS = 2


@dataclass(frozen=True)
class Side:
    """What one side calls, and how many calls make a block."""

    call: Callable[[], object]
    calls: int


def cpu_in_turn(sides: Mapping[str, Side], blocks: int) -> dict[str, list[float]]:
    """Return the CPU seconds of a call of each side, one value for each of so many blocks."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(WARM_BLOCKS + blocks):
        for name, side in sides.items():
            began = time.process_time()
            for _ in range(side.calls):
                side.call()
            if number >= WARM_BLOCKS:
                seconds[name].append((time.process_time() - began) / side.calls)
    return seconds
