"""Twenty writers and one reader of the feed, for `EVENTS_SECONDS` on each database."""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from broker.db.models import Upload
from broker.domain.states import UploadState
from tests.faults.invariants import check_invariants
from tests.http.client import Client, send, token
from tests.http.events.reader import Reader
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket

SECONDS = float(os.environ.get("EVENTS_SECONDS", "5"))
WRITERS = 20
LONG_AGO = timedelta(days=1)
ENDED = {"image.rejected": UploadState.REJECTED, "upload.expired": UploadState.EXPIRED}


@dataclass
class Writer:
    """A user who confirms, edits and deletes images, and lets uploads be rejected and expire."""

    app: Flask
    bucket: Bucket
    number: int
    stop: threading.Event
    done: Counter[str] = field(default_factory=Counter)
    errors: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        chance = random.Random(self.number)
        self.client = Client(self.app, token(self.number))
        self.images: list[int] = []
        acts = [self.confirm, self.confirm, self.edit, self.edit, self.delete, self.reject]
        try:
            self.ad = self.client.ad()
            while not self.stop.is_set():
                act = chance.choice([*acts, self.expire])
                self.done[f"{act.__name__} {act()}"] += 1
        except BaseException as error:
            self.errors.append(error)
            raise

    def ticket(self) -> dict[str, Any]:
        answer = self.client.ticket(self.ad)
        if answer.status_code != 201:  # the ad has no free slot: delete its images
            for _ in range(len(self.images)):
                self.delete()
            answer = self.client.ticket(self.ad)
        assert answer.status_code == 201, answer.text
        return dict(answer.get_json())

    def confirm(self) -> int:
        ticket = self.ticket()
        assert send(ticket).status_code == 201
        answer = self.client.post(ticket["confirm_url"])
        assert answer.status_code == 200, answer.text
        self.images.append(answer.get_json()["id"])
        return answer.status_code

    def edit(self) -> int:
        if not self.images:
            return 0
        changes = {"order": self.done.total() % 100, "alt_text": f"view {self.done.total()}"}
        return self.client.patch(self.path(random.choice(self.images)), changes).status_code

    def delete(self) -> int:
        if not self.images:
            return 0
        return self.client.delete(self.path(self.images.pop())).status_code

    def path(self, image: int) -> str:
        return f"/api/ads/{self.ad}/images/{image}/"

    def reject(self) -> int:
        ticket = self.ticket()
        put(self.bucket, f"incoming/{ticket['key']}", b"forged")
        return self.client.post(ticket["confirm_url"]).status_code

    def expire(self) -> int:
        ticket = self.ticket()
        with self.app.extensions["broker"].database.session() as session:
            past = update(Upload).where(Upload.id == UUID(ticket["id"]))
            session.execute(past.values(expires_at=datetime.now(UTC) - LONG_AGO))
            session.commit()
        return self.client.post(ticket["confirm_url"]).status_code


@dataclass
class Follower:
    """What a backend knows after it has read the feed, page by page."""

    reader: Reader
    images: dict[int, Any] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    last: int = 0
    pages: int = 0

    def follow(self) -> int:
        """Read one page; return the number of events."""
        events = self.reader.new()
        self.pages += 1
        sequences = [event["sequence"] for event in events]
        assert sequences == list(range(self.last + 1, self.last + 1 + len(events)))
        self.last += len(events)
        for event in events:
            self.types[event["type"]] += 1
            upload, image = event["data"]["upload"], event["data"]["image"]
            if event["type"] in ENDED:
                assert upload["id"] not in self.ended
                self.ended[upload["id"]] = upload["state"]
            elif event["type"] == "image.deleted":
                assert self.images.pop(image["id"]) == image
            else:
                assert (image["id"] in self.images) == (event["type"] == "image.updated")
                self.images[image["id"]] = image
        return len(events)


@pytest.mark.matrix(part="walks")
@pytest.mark.timeout(SECONDS + 120)
def test_a_reader_beside_twenty_writers_knows_the_state_of_the_tables(
    make_app: Callable[..., Flask], s3_bucket: Bucket, database_url: str
) -> None:
    app = make_app(reap="delete")
    follower, stop = Follower(Reader.of(app)), threading.Event()
    writers = [Writer(app, s3_bucket, number, stop) for number in range(1, WRITERS + 1)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            follower.follow()
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    beside = follower.last
    while follower.follow():
        pass
    done = sum((writer.done for writer in writers), Counter[str]())
    sys.stdout.write(
        f"{database_url.partition(':')[0]}: {SECONDS:.0f} s, {WRITERS} writers: "
        f"{dict(sorted(done.items()))}; {follower.last} events in {follower.pages} pages, "
        f"{beside} of them while writers ran: {dict(sorted(follower.types.items()))}; "
        f"{len(follower.images)} images, {len(follower.ended)} ended uploads\n"
    )
    assert [writer.errors for writer in writers] == [[]] * WRITERS
    there = {one["image"]["id"]: one["image"] for one in follower.reader.files()}
    assert follower.images == there
    with app.extensions["broker"].database.session() as session:
        rows = session.execute(select(Upload.id, Upload.state)).all()
    assert follower.ended == {str(row.id): row.state for row in rows if row.state in ENDED.values()}
    assert min(follower.types.values()) > 0
    assert len(follower.types) == 5
    assert check_invariants(app).violations == []
