"""Bytes that are replaced during many confirms."""

import hashlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any

import httpx
from flask import Flask
from werkzeug.test import TestResponse

from broker.db.models import Image
from broker.services.background.reap import reap_once
from tests.attacks import EACH_PAIR
from tests.attacks.collision import ONE, OTHER
from tests.faults.invariants import check_invariants
from tests.http.client import Client, at_once, rows, send, token

SENDERS, READERS, ROUNDS = 3, 2, 2


def test_two_files_have_the_same_md5() -> None:
    assert len(ONE) == len(OTHER)
    assert hashlib.md5(ONE).digest() == hashlib.md5(OTHER).digest()
    assert hashlib.sha256(ONE).digest() != hashlib.sha256(OTHER).digest()


class Attack:
    """Threads that send other bytes and read the image, until the attack is stopped."""

    def __init__(self, ticket: dict[str, Any]) -> None:
        self.ticket = ticket
        self.url = ""
        self.shown, self.stopped = threading.Event(), threading.Event()
        self.sent = 0
        self.read: set[str] = set()
        self.reads = 0

    def send(self) -> None:
        """Send both files in turns."""
        for data in cycle([OTHER, ONE]):
            if self.stopped.is_set():
                return
            assert send(self.ticket, data).status_code == 201
            self.sent += 1

    def watch(self) -> None:
        """Read the image again and again from the moment that it is shown."""
        assert self.shown.wait(60)
        with httpx.Client(verify=False, timeout=20) as stranger:
            while True:
                last = self.stopped.is_set()
                answer = stranger.get(self.url)
                assert answer.status_code == 200
                self.read.add(hashlib.sha256(answer.content).hexdigest())
                self.reads += 1
                if last:
                    return

    def confirm(self, client: Client) -> TestResponse:
        answer = client.post(self.ticket["confirm_url"])
        if answer.status_code == 200 and not self.shown.is_set():
            self.url = answer.get_json()["image_url"]
            self.shown.set()
        return answer


@EACH_PAIR
def test_report_04_a_shown_image_never_changes_while_other_bytes_are_sent_and_confirmed(
    make_app: Callable[..., Flask], count: int
) -> None:
    app = make_app(require_checksum=False)
    alice = Client(app, token(1))
    ad = alice.ad()
    images = set()
    for _ in range(ROUNDS):
        ticket = alice.ticket(ad, ONE, checksum_sha256=None).get_json()
        assert send(ticket, ONE).status_code == 201
        attack = Attack(ticket)
        with ThreadPoolExecutor(SENDERS + READERS) as pool:
            running: list[Future[None]] = [pool.submit(attack.send) for _ in range(SENDERS)]
            running += [pool.submit(attack.watch) for _ in range(READERS)]
            try:
                answers = at_once(count, partial(attack.confirm, alice))
                answers += at_once(count, partial(attack.confirm, alice))
                reap_late(app)
            finally:
                attack.shown.set()
                attack.stopped.set()
            for one in running:
                one.result()
        assert {answer.status_code for answer in answers} == {200}
        bodies = {answer.get_data() for answer in answers}
        assert len(bodies) == 1
        assert len(attack.read) == 1
        images.add(attack.url)
        sys.stdout.write(
            f"{len(answers)} confirms, {attack.sent} times other bytes, {attack.reads} reads: "
            f"{len(attack.read)} content\n"
        )
    assert rows(app, Image) == len(images) == ROUNDS
    with httpx.Client(verify=False, timeout=20) as stranger:
        before = [stranger.get(url).content for url in sorted(images)]
        for days in (1, 2):
            reap_late(app, timedelta(days=days))
        state = check_invariants(app, at_rest=True)
        sys.stdout.write(f"at rest: {state}\n")
        assert state.violations == []
        assert [stranger.get(url).content for url in sorted(images)] == before
    assert set(before) <= {ONE, OTHER}


def reap_late(app: Flask, after: timedelta = timedelta()) -> None:
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + after) as work:
        reap_once(work)
