"""A photo of 8 MB: proxied by Flask and boto3, and sent directly to the bucket by ticket."""

import base64
import hashlib
import os
import time
from dataclasses import dataclass

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.load.client import Client, form, path_of
from benchmarks.plan import PHOTO_BYTES
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import smallest
from benchmarks.servers import Server
from benchmarks.table import Line, Section, Target

TITLE = "A photo of 8 MB"
KIND = "PostgreSQL"
TARGET = Target(at_most=1 / 30)


@dataclass(frozen=True, kw_only=True)
class Photo:
    """Seconds per photo: the API's CPU, the ticket's share of it, and the client's wall time."""

    cpu: float
    ticket_cpu: float
    wall: float


def run(bench: Bench) -> Section:
    """Measure one client that sends photos one after the other, alternating between both ways."""
    with bench.proxying() as old:
        proxied, ticketed = _both(bench, old)
    beside = "proxied by Flask and boto3"
    other = Spread.of([one.cpu * 1000 for one in proxied])
    pairs = list(zip(ticketed, proxied, strict=True))
    return Section(
        title=TITLE,
        lines=[
            Line(
                what="API's CPU a photo: ticket and confirm, PostgreSQL",
                measured=Spread.of([one.cpu * 1000 for one in ticketed]),
                unit="ms",
                beside=beside,
                other=other,
                ratio=Spread.of([mine.cpu / theirs.cpu for mine, theirs in pairs]),
                target=TARGET,
            ),
            Line(
                what="API's CPU a photo: the ticket alone",
                measured=Spread.of([one.ticket_cpu * 1000 for one in ticketed]),
                unit="ms",
                beside=beside,
                other=other,
                ratio=Spread.of([mine.ticket_cpu / theirs.cpu for mine, theirs in pairs]),
                target=TARGET,
            ),
            Line(
                what="wall time a photo: digest, ticket, form to SeaweedFS, confirm",
                measured=Spread.of([one.wall * 1000 for one in ticketed]),
                unit="ms",
                beside=beside,
                other=Spread.of([one.wall * 1000 for one in proxied]),
                ratio=Spread.of([mine.wall / theirs.wall for mine, theirs in pairs]),
            ),
        ],
    )


def _both(bench: Bench, old: Server) -> tuple[list[Photo], list[Photo]]:
    size, count = smallest(bench), bench.plan.photos
    new = bench.broker(KIND, size, real_bucket=True)
    bench.database(KIND, size).restore()
    photo = b"\xff\xd8\xff\xe0" + os.urandom(PHOTO_BYTES - 4)
    # Warm up with a full round: psycopg prepares a statement at its sixth use.
    _proxied(old, photo, count)
    _ticketed(bench, new, photo, count)
    proxied, ticketed = [], []
    for number in range(1, bench.plan.rounds + 1):
        proxied.append(_proxied(old, photo, count))
        ticketed.append(_ticketed(bench, new, photo, count))
        say(
            f"  round {number}  proxied {proxied[-1].cpu * 1000:.1f} ms of CPU a photo,"
            f" ticket and confirm {ticketed[-1].cpu * 1000:.2f} ms"
        )
    return proxied, ticketed


def _proxied(server: Server, photo: bytes, count: int) -> Photo:
    cpu, began = server.cpu_seconds(), time.perf_counter()
    with Client(server.port) as client:
        for _ in range(count):
            body, content_type = form({}, photo)
            client.send("POST", "/photos", body, {"Content-Type": content_type})
    wall = time.perf_counter() - began
    used = server.cpu_seconds() - cpu
    return Photo(cpu=used / count, ticket_cpu=0.0, wall=wall / count)


def _ticketed(bench: Bench, server: Server, photo: bytes, count: int) -> Photo:
    token = bench.tokens.of_ad(1)
    ticket_cpu = 0.0
    cpu, began = server.cpu_seconds(), time.perf_counter()
    with Client(server.port) as api, Client(bench.seaweedfs.port) as s3:
        for _ in range(count):
            before = server.cpu_seconds()
            digest = base64.b64encode(hashlib.sha256(photo).digest()).decode()
            file = requests.declared(len(photo), digest)
            ticket = api.json("POST", "/api/ads/1/upload_image/", token=token, body=file)
            ticket_cpu += server.cpu_seconds() - before
            body, content_type = form(ticket["upload"]["fields"], photo)
            path = path_of(ticket["upload"]["url"])
            s3.send("POST", path, body, {"Content-Type": content_type})
            api.json("POST", ticket["confirm_url"], token=token)
    wall = time.perf_counter() - began
    used = server.cpu_seconds() - cpu
    return Photo(cpu=used / count, ticket_cpu=ticket_cpu / count, wall=wall / count)
