"""kill -9 of the API after every single step of every operation that changes something.

After each death the invariants hold; the client repeats its request, the reaper runs, and then
nothing is lost and nothing is left.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

import boto3
import pytest
from flask import Flask

from tests.faults import victim
from tests.faults.invariants import look
from tests.faults.victim import Request
from tests.http.client import EACH_SERVER, JPEG, SECRET, Client, declared, send, token
from tests.http.multipart import PART, multipart_ticket, put_parts, signed
from tests.servers import S3Server
from tests.servers.fixtures import Bucket

STEPS_MAX = 40
ALICE = token(1)
LONG_PAST = timedelta(days=2)
# What a client's repeated request may be answered: done, or it was done, or it is over.
SETTLED = {200, 201, 204, 404, 409, 410, 422}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """A server that forks ready processes: no threads, no connections of this one's."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.victim"])
    return context


@contextmanager
def victims(
    processes: ForkServerContext, settings: dict[str, Any], server: S3Server
) -> Iterator[Connection]:
    """Run a process that takes orders and sees to it that they are not survived."""
    environment = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    ours, theirs = processes.Pipe()
    process = processes.Process(target=victim.serve, args=(theirs, settings, environment))
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join(30)
        process.kill()


class Scene:
    """An app, a client, a bucket, and another process that dies at the same request."""

    def __init__(self, app: Flask, bucket: Bucket, orders: Connection) -> None:
        self.app, self.bucket, self._orders = app, bucket, orders
        self.alice = Client(app, ALICE)

    def dies(self, request: Request, step: int) -> bool:
        """Carry the request out in a process of its own; False when it lived to the end."""
        self._orders.send((request, step))
        assert self._orders.poll(60)
        code = self._orders.recv()
        assert code in (0, -signal.SIGKILL)
        return bool(code)

    def forge(self, key: str) -> None:
        """Put other bytes than declared, past the broker."""
        client = boto3.Session().client("s3", endpoint_url=self.bucket.server.endpoint_url)
        client.put_object(Bucket=self.bucket.name, Key=key, Body=b"forged")


def post(path: str, json: Any = None) -> Request:
    return Request(ALICE, "POST", path, json)


def delete(path: str) -> Request:
    return Request(ALICE, "DELETE", path)


def confirmed(scene: Scene, ad: int) -> dict[str, Any]:
    ticket = scene.alice.ticket(ad).get_json()
    send(ticket)
    answer = scene.alice.post(ticket["confirm_url"])
    assert answer.status_code == 200, answer.text
    image: dict[str, Any] = answer.get_json()
    return image


def issue(scene: Scene) -> Request:
    return post(f"/api/ads/{scene.alice.ad()}/upload_image/", declared())


def confirm(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad()).get_json()
    send(ticket)
    return post(ticket["confirm_url"])


def confirm_and_promote(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad(), checksum_sha256=None).get_json()
    send(ticket)
    return post(ticket["confirm_url"])


def confirm_and_reject(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad()).get_json()
    scene.forge(f"media/{ticket['key']}")
    return post(ticket["confirm_url"])


def confirm_a_new_avatar(scene: Scene) -> Request:
    tickets = [
        scene.alice.post("/api/users/1/upload_avatar/", declared()).get_json() for _ in range(2)
    ]
    for ticket in tickets:
        send(ticket)
    assert scene.alice.post(tickets[0]["confirm_url"]).status_code == 200
    return post(tickets[1]["confirm_url"])


def sent_in_parts(scene: Scene, *, urls_alone: bool = False) -> dict[str, Any]:
    ticket = multipart_ticket(scene.alice, JPEG)
    if not urls_alone:
        put_parts(signed(scene.alice, ticket, [1], JPEG), JPEG)
    return ticket


def begin_parts(scene: Scene) -> Request:
    ticket = sent_in_parts(scene, urls_alone=True)
    return post(ticket["upload"]["parts_url"], {"parts": [{"part_number": 1}]})


def complete(scene: Scene) -> Request:
    return post(sent_in_parts(scene)["upload"]["complete_url"])


def cancel_parts(scene: Scene) -> Request:
    return delete(f"/api/uploads/{sent_in_parts(scene)['id']}/")


def delete_image(scene: Scene) -> Request:
    ad = scene.alice.ad()
    return delete(f"/api/ads/{ad}/images/{confirmed(scene, ad)['id']}/")


def delete_ad(scene: Scene) -> Request:
    ad = scene.alice.ad()
    confirmed(scene, ad)
    send(scene.alice.ticket(ad).get_json())
    return delete(f"/api/ads/{ad}/")


def reap_forms(scene: Scene) -> Request:
    ad = scene.alice.ad()
    send(scene.alice.ticket(ad).get_json())
    send(scene.alice.ticket(ad, checksum_sha256=None).get_json())
    return Request(ALICE, after=LONG_PAST)


def reap_parts(scene: Scene) -> Request:
    sent_in_parts(scene)
    return Request(ALICE, after=LONG_PAST)


def reap_the_outbox(scene: Scene) -> Request:
    request = delete_image(scene)
    assert request.path is not None
    assert scene.alice.delete(request.path).status_code == 204
    return Request(ALICE)


OPERATIONS: list[tuple[Callable[[Scene], Request], dict[str, Any]]] = [
    (issue, {}),
    (confirm, {}),
    (confirm_and_promote, {}),
    (confirm_and_reject, {}),
    (confirm_a_new_avatar, {}),
    (begin_parts, {}),
    (complete, {}),
    (cancel_parts, {}),
    (delete_image, {}),
    (delete_ad, {}),
    (reap_forms, {}),
    (reap_parts, {}),
    (reap_the_outbox, {}),
    (reap_forms, {"reap": "confirm"}),
    (reap_parts, {"reap": "confirm"}),
]


def die_at_every_step(scene: Scene, prepare: Callable[[Scene], Request]) -> int:
    """Have it die after step 1, 2, … until it lives to its end; gives how often it died."""
    for step in range(1, STEPS_MAX):
        request = prepare(scene)
        died = scene.dies(request, step)
        state = look(scene.app)
        sys.stdout.write(f"{prepare.__name__} {'killed' if died else 'done'} at {step}: {state}\n")
        assert state.violations == []
        if not died:
            return step - 1
        assert victim.perform(scene.app, request) in SETTLED
    pytest.fail("it never ends")


@EACH_SERVER
@pytest.mark.parametrize(
    ("prepare", "changes"),
    OPERATIONS,
    ids=["-".join([prepare.__name__, *changes.values()]) for prepare, changes in OPERATIONS],
)
def test_killed_after_any_step_nothing_is_lost_and_nothing_is_left(
    make_app: Callable[..., Flask],
    database_url: str,
    s3_bucket: Bucket,
    processes: ForkServerContext,
    prepare: Callable[[Scene], Request],
    changes: dict[str, Any],
) -> None:
    changes = {"require_checksum": False, "part_size": PART, **changes}
    app = make_app(**changes)
    settings = {
        "database_url": database_url,
        "s3_bucket": s3_bucket.name,
        "s3_endpoint_url": s3_bucket.server.endpoint_url,
        "jwt_secret": SECRET,
        **changes,
    }
    with victims(processes, settings, s3_bucket.server) as orders:
        scene = Scene(app, s3_bucket, orders)
        deaths = die_at_every_step(scene, prepare)
    for days in (3, 6):
        victim.perform(app, Request(ALICE, after=timedelta(days=days)))
    state = look(app, at_rest=True)
    sys.stdout.write(f"{prepare.__name__} at rest: {state}\n")
    assert state.violations == []
    assert deaths > 1
