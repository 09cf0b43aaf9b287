"""Profile requests through the WSGI app, in this process; run by `rows/profile.py`.

It uses the broker's environment and a token in BENCH_TOKEN. That is a token of user 1, who owns
the ad of the tickets, or of a backend, which confirms the uploads listed in BENCH_UPLOADS.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from flask import Flask

from benchmarks import requests
from benchmarks.plan import BATCH, PARTS
from benchmarks.profile.sampler import Sampler
from benchmarks.reports import write_report
from benchmarks.seed_rows import FIRST_AD
from benchmarks.wsgi_calls import Call
from broker.app import create_app

Key = TypeVar("Key")
# A function that sends one request, and the number of times that it can be called.
Repeated = tuple[Callable[[], object], int]
WARM_CALLS = 30
# BROKER_MAX_IMAGES_PER_AD, set to its maximum for the benchmarks.
SLOTS = 10_000
SHOWN = 12


def main(what: str, seconds: float) -> None:
    """Profile one of REQUESTS for this many seconds."""
    call, often = REQUESTS[what](create_app(), os.environ["BENCH_TOKEN"])
    for _ in range(WARM_CALLS):
        call()
    # A quarter of the remaining calls run without the sampler.
    left = often - WARM_CALLS
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


def _ticket(app: Flask, token: str) -> Repeated:
    return Call(app, "/api/ads/1/upload_image/", token, requests.declared()), SLOTS


def _batch(app: Flask, token: str) -> Repeated:
    body = {"files": [requests.declared(order=order) for order in range(BATCH)]}
    return Call(app, "/api/ads/1/upload_images/", token, body), SLOTS // BATCH


def _parts(app: Flask, token: str) -> Repeated:
    file = requests.declared(PARTS * 8 * 1024 * 1024, transport="multipart")
    ticket = Call(app, "/api/ads/1/upload_image/", token, file).json()
    wanted = {"parts": [{"part_number": number} for number in range(1, PARTS + 1)]}
    return Call(app, ticket["upload"]["parts_url"], token, wanted), 1_000_000


def _confirm(app: Flask, token: str) -> Repeated:
    ids = Path(os.environ["BENCH_UPLOADS"]).read_text().split()
    calls = [Call(app, f"/api/uploads/{upload_id}/confirm/", token, None) for upload_id in ids]
    following = iter(calls)
    return lambda: next(following)(), len(calls)


def _reading(app: Flask, _token: str) -> Repeated:
    return Call(app, f"/api/ads/{FIRST_AD}/"), 1_000_000


REQUESTS: dict[str, Callable[[Flask, str], Repeated]] = {
    "ticket": _ticket,
    "batch": _batch,
    "confirm": _confirm,
    "parts": _parts,
    "reading": _reading,
}


def _most(spent: Mapping[Key, float]) -> list[tuple[Key, float]]:
    return sorted(spent.items(), key=lambda item: -item[1])


def _repeat(call: Callable[[], object], seconds: float, most: int) -> tuple[float, int]:
    """Repeat a call for some seconds; return the seconds per call and the number of calls."""
    began, calls = time.perf_counter(), 0
    while calls < most and time.perf_counter() - began < seconds:
        call()
        calls += 1
    return (time.perf_counter() - began) / calls, calls


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
