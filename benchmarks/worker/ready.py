"""How long a user waits for an image: from the confirm to the image, with an idle worker."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.load.client import Client, form, path_of
from benchmarks.load.wrk import LoadFailed
from benchmarks.servers import Server
from benchmarks.servers.workers import Workers
from benchmarks.worker.photo import Photo
from broker.services.processing.run import POLL_SECONDS

STATE = "SELECT state FROM uploads WHERE id = %s"
LOOK_SECONDS = 0.01
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Seconds from each confirm to its image, and the mean seconds of each step in the worker."""

    seconds: list[float]
    steps: Mapping[str, float]


def measure(
    bench: Bench, api: Server, workers: Workers, connection: psycopg.Connection, photo: Photo
) -> Waits:
    """Send one photo after another, each at another time between two questions of the worker."""
    token = bench.tokens.of_ad(1)
    chance = random.Random(1)  # noqa: S311 - the same pauses each time
    count = bench.plan.ready_uploads
    seconds, before = [], {}
    with Client(api.port) as client, Client(bench.seaweedfs.port) as s3:
        for number in range(count + 1):
            if number == 1:  # the first one warms up
                before = workers.step_seconds()
            file = requests.declared(len(photo.content), photo.digest)
            ticket = client.json("POST", "/api/ads/1/upload_image/", token=token, body=file)
            body, content_type = form(ticket["upload"]["fields"], photo.content)
            s3.send("POST", path_of(ticket["upload"]["url"]), body, {"Content-Type": content_type})
            time.sleep(POLL_SECONDS * (1 + chance.random()))
            began = time.perf_counter()
            client.json("POST", ticket["confirm_url"], token=token)
            _await_image(connection, ticket["id"])
            seconds.append(time.perf_counter() - began)
    after = workers.step_seconds()
    steps = {step: (after[step] - before[step]) / count for step in after}
    return Waits(seconds=seconds[1:], steps=steps)


def _await_image(connection: psycopg.Connection, upload_id: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        row = connection.execute(STATE, [upload_id]).fetchone()
        if row == ("confirmed",):
            return
        if row != ("processing",):
            raise LoadFailed(f"the upload is {row}")
        time.sleep(LOOK_SECONDS)
    raise LoadFailed(f"no image after {TIMEOUT_SECONDS} s")
