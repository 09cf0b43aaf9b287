"""A photo of 8 MB: proxied by Flask and boto3, and sent directly to the bucket by ticket."""

import base64
import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.load.client import Client, form, path_of
from benchmarks.plan import PHOTO_BYTES
from benchmarks.processes import cpu_seconds_of, members
from benchmarks.rounds import say
from benchmarks.rows.lines import compared, smallest
from benchmarks.servers import Server
from benchmarks.table import Line, Section, Target

TITLE = "A photo of 8 MB"
KIND = "PostgreSQL"
BESIDE = "proxied by Flask and boto3"
# The share of the proxy's CPU, by the number of connections that send at once.
SHARES = {1: Target(at_most=1 / 9), 8: Target(at_most=1 / 12)}
TICKET_ALONE = Target(at_most=1 / 30)


@dataclass(frozen=True, kw_only=True)
class Photo:
    """Seconds per photo: the API's CPU, the ticket's share of it, and the wall time.

    The ticket's share is known only if one connection sends.
    """

    cpu: float
    ticket_cpu: float
    wall: float


# Sends photos over one connection; returns the CPU time of their tickets. Takes the connection's
# number and the number of photos.
Sender = Callable[[int, int], float]


def run(bench: Bench) -> Section:
    """Measure one connection, then eight, each alternating between both ways."""
    size = smallest(bench)
    new = bench.broker(KIND, size, real_bucket=True)
    bench.database(KIND, size).restore()
    photo = b"\xff\xd8\xff\xe0" + os.urandom(PHOTO_BYTES - 4)
    lines = []
    for connections, target in SHARES.items():
        with bench.proxying() as old:
            proxied, ticketed = _both(bench, old, new, photo, connections)
        lines += _lines(proxied, ticketed, connections, target)
    return Section(title=TITLE, lines=lines)


def _lines(
    proxied: list[Photo], ticketed: list[Photo], connections: int, target: Target
) -> list[Line]:
    at = f"{connections} connection{'s' if connections > 1 else ''}"
    lines = [
        _line(f"API's CPU a photo, {at}: ticket and confirm", proxied, ticketed, _cpu, target),
        _line(f"time a photo, {at}: digest, ticket, form, confirm", proxied, ticketed, _wall),
    ]
    if connections == 1:
        what = f"API's CPU a photo, {at}: the ticket alone"
        alone = _line(what, proxied, ticketed, _ticket_cpu, TICKET_ALONE, other=_cpu)
        lines.insert(1, alone)
    return lines


def _line(
    what: str,
    proxied: list[Photo],
    ticketed: list[Photo],
    of: Callable[[Photo], float],
    target: Target | None = None,
    *,
    other: Callable[[Photo], float] | None = None,
) -> Line:
    theirs = other or of
    return compared(
        what,
        BESIDE,
        unit="ms",
        mine=[of(one) * 1000 for one in ticketed],
        theirs=[theirs(one) * 1000 for one in proxied],
        target=target,
    )


def _cpu(photo: Photo) -> float:
    return photo.cpu


def _ticket_cpu(photo: Photo) -> float:
    return photo.ticket_cpu


def _wall(photo: Photo) -> float:
    return photo.wall


def _both(
    bench: Bench, old: Server, new: Server, photo: bytes, connections: int
) -> tuple[list[Photo], list[Photo]]:
    def proxying(_connection: int, count: int) -> float:
        return _proxied(old, photo, count)

    def ticketing(connection: int, count: int) -> float:
        return _ticketed(bench, new, photo, count, ad=connection + 1)

    # Eight connections send twice as many photos in all as one, because the disk must hold them.
    factor = 1 if connections == 1 else 2
    few, many = bench.plan.photos * factor, bench.plan.ticketed_photos * factor
    # psycopg prepares a statement at its sixth use.
    _measured(old, proxying, connections, few)
    _measured(new, ticketing, connections, few)
    proxied, ticketed = [], []
    for number in range(1, bench.plan.rounds + 1):
        proxied.append(_measured(old, proxying, connections, few))
        ticketed.append(_measured(new, ticketing, connections, many))
        say(
            f"  round {number}, connections: {connections}"
            f"  proxied {proxied[-1].cpu * 1000:.1f} ms of CPU a photo,"
            f" ticket and confirm {ticketed[-1].cpu * 1000:.2f} ms"
        )
    return proxied, ticketed


def _measured(server: Server, sender: Sender, connections: int, photos: int) -> Photo:
    count = max(1, photos // connections)
    cpu, began = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        tickets_cpu = sum(pool.map(sender, range(connections), [count] * connections))
    wall, used = time.perf_counter() - began, server.cpu_seconds() - cpu
    photos = connections * count
    return Photo(cpu=used / photos, ticket_cpu=tickets_cpu / photos, wall=wall / photos)


def _proxied(server: Server, photo: bytes, count: int) -> float:
    with Client(server.port) as client:
        for _ in range(count):
            body, content_type = form({}, photo)
            client.send("POST", "/photos", body, {"Content-Type": content_type})
    return 0.0


def _ticketed(bench: Bench, server: Server, photo: bytes, count: int, *, ad: int) -> float:
    token = bench.tokens.of_ad(ad)
    ticket_cpu, pids = 0.0, members(server.group)
    with Client(server.port) as api, Client(bench.seaweedfs.port) as s3:
        for _ in range(count):
            digest = base64.b64encode(hashlib.sha256(photo).digest()).decode()
            file = requests.declared(len(photo), digest)
            before = cpu_seconds_of(pids)
            ticket = api.json("POST", f"/api/ads/{ad}/upload_image/", token=token, body=file)
            body, content_type = form(ticket["upload"]["fields"], photo)
            path = path_of(ticket["upload"]["url"])
            s3.send("POST", path, body, {"Content-Type": content_type})
            # Only now, because the API works on for a moment when its answer has arrived.
            ticket_cpu += cpu_seconds_of(pids) - before
            api.json("POST", ticket["confirm_url"], token=token)
    return ticket_cpu
