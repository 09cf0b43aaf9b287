"""The CPU time of calls in this process, measured in blocks that alternate between the sides.

A single call after one of another side finds the processor's caches full of the other's data, and
needs up to half more CPU than in a server, which gets many calls of the same kind.
"""

import time
from collections.abc import Callable, Mapping

BLOCK = 20
WARM_BLOCKS = 2


def cpu_in_turn(sides: Mapping[str, Callable[[], object]], blocks: int) -> dict[str, list[float]]:
    """Return the CPU seconds of a call of each side, one value for each of so many blocks."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(WARM_BLOCKS + blocks):
        for name, call in sides.items():
            began = time.process_time()
            for _ in range(BLOCK):
                call()
            if number >= WARM_BLOCKS:
                seconds[name].append((time.process_time() - began) / BLOCK)
    return seconds
