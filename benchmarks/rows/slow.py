"""Five hundred clients at 1 Mbit/s each: the number that one API worker handles at a time."""

import asyncio
import base64
import hashlib
import json
import os
import statistics
import struct
import time

from benchmarks import requests
from benchmarks.apps.gauge import FORMAT
from benchmarks.bench import Bench
from benchmarks.load.client import form
from benchmarks.load.slow import Crowd, ask, crowd, send_slowly
from benchmarks.plan import ADS, SLOW_BYTES_PER_SECOND
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import plain, smallest
from benchmarks.servers import Server
from benchmarks.table import Line, Section, Target

TITLE = "Slow clients"
KIND = "PostgreSQL"
TARGET = Target(at_least=500)
WINDOW_FACTOR = 3


def run(bench: Bench) -> Section:
    """Measure tickets, then proxying with two servers."""
    plan = bench.plan
    photo = os.urandom(SLOW_BYTES_PER_SECOND * plan.slow_transfer_seconds)
    bench.database(KIND, smallest(bench)).restore()
    ticketed = _ticketed(bench, photo)
    say(f"  tickets: {ticketed.sending_most} clients sending at once, {_summary(ticketed, photo)}")
    lines = []
    for what, sync, target in (
        ("Flask and boto3, gunicorn's sync worker", True, TARGET),
        # No target: with tickets all clients run at once, so their number limits the ratio.
        ("Flask and boto3, the broker's own server and threads", False, None),
    ):
        with bench.proxying(sync=sync) as server:
            proxied, most = _proxied(bench, server, photo)
        say(f"  {what}: at most {most} requests in the view, {_summary(proxied, photo)}")
        lines.append(
            Line(
                what=f"clients at once, of {plan.slow_clients}: tickets",
                measured=plain(ticketed.sending_most),
                unit="clients",
                beside=what,
                other=plain(most),
                ratio=plain(ticketed.sending_most / most),
                target=target,
                note=f"tickets: {_summary(ticketed, photo)}; {what}: {_summary(proxied, photo)}",
            )
        )
    if ticketed.api_seconds:
        lines.append(
            Line(
                what="a client's wait for the API: ticket plus confirm",
                measured=Spread.of(ticketed.api_seconds),
                unit="s",
                note="all clients ask within the same two seconds, twice",
            )
        )
    return Section(title=TITLE, lines=lines)


def _summary(result: Crowd, photo: bytes) -> str:
    answered = [probe for probe in result.probes if probe is not None]
    took = f", half within {statistics.median(answered) * 1000:.0f} ms" if answered else ""
    speed = ""
    if result.transfer_seconds:
        megabits = len(photo) * 8 / 1e6 / statistics.median(result.transfer_seconds)
        speed = f" at {megabits:.2f} Mbit/s"
    return (
        f"{result.finished} finished{speed} after {result.seconds:.0f} s, the API answered"
        f" {len(answered)} of {len(result.probes)} small requests{took}"
    )


def _proxied(bench: Bench, server: Server, photo: bytes) -> tuple[Crowd, int]:
    body, content_type = form({}, photo)

    async def one(_number: int, state: Crowd) -> None:
        await send_slowly(f"{server.url}/photos", body, content_type, state)

    plan = bench.plan
    result = asyncio.run(crowd(one, plan.slow_clients, plan.slow_window_seconds, server.port))
    _now, most = struct.unpack(FORMAT, bench.gauge(server).read_bytes())
    return result, most


def _ticketed(bench: Bench, photo: bytes) -> Crowd:
    server = bench.broker(KIND, smallest(bench), real_bucket=True)
    digest = base64.b64encode(hashlib.sha256(photo).digest()).decode()
    file = requests.declared(len(photo), digest)

    async def one(number: int, state: Crowd) -> None:
        ad = number % ADS + 1
        token = bench.tokens.of_ad(ad)
        began = time.perf_counter()
        wanted = requests.raw("POST", f"/api/ads/{ad}/upload_image/", token=token, body=file)
        ticket = json.loads(await ask(server.port, wanted))
        spent = time.perf_counter() - began
        body, content_type = form(ticket["upload"]["fields"], photo)
        await send_slowly(ticket["upload"]["url"], body, content_type, state)
        began = time.perf_counter()
        await ask(server.port, requests.raw("POST", ticket["confirm_url"], token=token))
        state.api_seconds.append(spent + time.perf_counter() - began)

    plan = bench.plan
    # The run ends when all have finished. This gives a slow machine some more time.
    window = plan.slow_window_seconds * WINDOW_FACTOR
    return asyncio.run(crowd(one, plan.slow_clients, window, server.port))
