"""The time of calls in this process, measured in blocks that alternate between the sides.

A single call after one of another side finds the processor's caches full of the other's data, and
needs up to half more CPU than in a server, which gets many calls of the same kind. Short blocks of
about the same time meet the same conditions on each side.
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


def in_turn(sides: Mapping[str, Side], blocks: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of a call of each side in each block, as `wall` time and as `cpu` time."""
    seconds: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in sides}
    for number in range(WARM_BLOCKS + blocks):
        for name, side in sides.items():
            began, cpu_began = time.perf_counter(), time.process_time()
            for _ in range(side.calls):
                side.call()
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
            if number >= WARM_BLOCKS:
                seconds[name]["wall"].append(wall / side.calls)
                seconds[name]["cpu"].append(cpu / side.calls)
    return seconds
