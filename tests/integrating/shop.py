"""A shop that runs the programs of a page, its seller's uploads, and webhooks signed for it."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from broker.local.process import ChildProcess, answers
from tests.http.client import JPEG, SECRET, Client, declared, send
from tests.http.owners.granted import PRODUCT
from tests.integrating.programs import Programs, blocks
from tests.servers import START_TIMEOUT, start_on_free_port

WEBHOOK_SECRET = "whsec_dGhlIHdlYmhvb2sgc2VjcmV0IG9mIHRoZSB0ZXN0cw=="
PHOTOS = "/products/42/photos"
UPLOADS = f"{PRODUCT}/uploads/"
Json = dict[str, Any]


@dataclass
class Shop:
    """The programs of a page in a folder, and the address of their server."""

    programs: Programs
    folder: Path
    broker_url: str = "http://127.0.0.1:9"
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the shop until the block ends."""

        def start(port: int) -> ChildProcess:
            self.url = f"http://127.0.0.1:{port}"
            child = self._child(self.programs.serve(port))
            child.start(lambda: answers(self.url + PHOTOS), START_TIMEOUT)
            return child

        child = start_on_free_port(start)
        try:
            yield
        finally:
            child.stop()

    def read_feed(self, until: Callable[[], bool]) -> None:
        """Run the program that reads the feed until a condition is true."""
        child = self._child(self.programs.command("feed"))
        child.start(until, START_TIMEOUT)
        child.stop()

    def erase(self, *arguments: str) -> str:
        """Run the program that erases a user; return what it prints."""
        done = subprocess.run(
            [*self.programs.command("erase"), *arguments],
            cwd=self.folder,
            env=self._env(),
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, verify=False, timeout=20, **options)

    def photos(self) -> list[Json]:
        """Return the photos that the shop shows."""
        found: list[Json] = self.call("GET", PHOTOS).json()
        return found

    def shown(self) -> list[int]:
        """Return the ids of the photos that the shop shows."""
        return [photo["id"] for photo in self.photos()]

    def cursor(self) -> str | None:
        """Return the cursor that the shop has stored."""
        with closing(sqlite3.connect(self.folder / "shop.db")) as db:
            (cursor,) = db.execute("SELECT cursor FROM feed").fetchone()
        return None if cursor is None else str(cursor)

    def push(self, event: Json) -> int:
        """Send an event as a webhook; return the status of the answer."""
        return self.send(*signed(event))

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        """Send any webhook; return the status of the answer."""
        return self.call("POST", "/webhooks/broker", content=body, headers=headers).status_code

    def _child(self, argv: list[str]) -> ChildProcess:
        log = self.folder / f"{Path(argv[-1]).stem}.log"
        return ChildProcess(argv, log_file=log, cwd=self.folder, env=self._env())

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "BROKER_URL": self.broker_url,
            "BROKER_JWT_SECRET": SECRET,
            "BROKER_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }


def signed(
    event: Json, *, secret: str = WEBHOOK_SECRET, at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a webhook, signed by the library of Standard Webhooks."""
    body = json.dumps(event, ensure_ascii=False)
    at = at or datetime.now(UTC)
    return body.encode(), {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], at, body),
        "content-type": "application/json",
    }


def event(image: int, sequence: int, type_: str = "image.ready", **state: Any) -> Json:
    """Return the event of docs/webhooks.md about an image of product 42, with another state."""
    text = blocks("webhooks.md", "json")[0]
    found: Json = json.loads(text)
    found |= {"id": f"event-{sequence}", "sequence": sequence, "type": type_}
    found["data"] |= {"profile": "product_image", "owner": "42"}
    found["data"]["image"] |= {"id": image, **state}
    return found


def upload(seller: Client, number: int) -> int:
    """Upload a photo straight to the broker, which confirms it; return its id."""
    data = JPEG + bytes([number])
    ticket = seller.post(UPLOADS, declared(data))
    assert ticket.status_code == 201, ticket.text
    assert send(ticket.get_json(), data).status_code == 201
    image = seller.post(ticket.get_json()["confirm_url"])
    assert image.status_code == 200, image.text
    return int(image.get_json()["id"])


def events(service: Client) -> list[Json]:
    """Return the events of the broker's feed."""
    found: list[Json] = service.get("/api/events/").get_json()["results"]
    return found
