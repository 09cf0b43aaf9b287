"""Profiles tickets through the WSGI app, in this process; run by `rows/profile.py`.

Its environment is the broker's own, with a token of user 1 in BENCH_TOKEN.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import TypeVar

from benchmarks import requests
from benchmarks.plan import BATCH
from benchmarks.profile.sampler import Sampler
from benchmarks.reports import write_report
from benchmarks.wsgi_calls import Call
from broker.app import create_app

Key = TypeVar("Key")
WARM_CALLS = 30
# BROKER_MAX_IMAGES_PER_AD, which the row sets to the most there is.
PLACES = 10_000
SHOWN = 12


def main(what: str, seconds: float) -> None:
    """Profile `ticket` or `batch` for so many seconds."""
    app = create_app()
    token = os.environ["BENCH_TOKEN"]
    if what == "batch":
        body: object = {"files": [requests.declared(order=order) for order in range(BATCH)]}
        call = Call(app, "/api/ads/1/upload_images/", token, body)
    else:
        call = Call(app, "/api/ads/1/upload_image/", token, requests.declared())
    for _ in range(WARM_CALLS):
        call()
    # What the ad still has places for, a quarter of it for the calls without the sampler.
    left = (PLACES - WARM_CALLS) // (BATCH if what == "batch" else 1) - WARM_CALLS
    plain, _ = _repeat(call, seconds / 4, left // 4)
    sampler = Sampler()
    with sampler.running():
        sampled, calls = _repeat(call, seconds, left * 3 // 4)
    total = sum(sampler.by_group.values())
    write_report(
        {
            "microseconds": plain * 1e6,
            "sampled_microseconds": sampled * 1e6,
            "calls": calls,
            "shares": {group: spent / total for group, spent in _most(sampler.by_group)},
            "functions": [
                {"group": group, "function": function, "share": spent / total}
                for (group, function), spent in _most(sampler.by_function)[:SHOWN]
            ],
        }
    )


def _most(spent: Mapping[Key, float]) -> list[tuple[Key, float]]:
    return sorted(spent.items(), key=lambda item: -item[1])


def _repeat(call: Call, seconds: float, most: int) -> tuple[float, int]:
    """Send for so many seconds; gives the seconds of one, and how many there were."""
    began, calls = time.perf_counter(), 0
    while calls < most and time.perf_counter() - began < seconds:
        call()
        calls += 1
    return (time.perf_counter() - began) / calls, calls


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
