"""A broker and a bucket that return prepared answers, for Broker and AsyncBroker."""

import asyncio
import json
import re
import threading
from collections.abc import Callable
from typing import Any

import httpx
from broker_client import AsyncBroker, Broker

URL = "http://broker.example"
TIMES = {"expires_at": "2026-01-01T00:05:00Z", "server_time": "2026-01-01T00:00:00Z"}
IMAGE = {
    "id": 1,
    "image": "ads/ad_1/main.jpg",
    "image_url": "http://media.example/main.jpg",
    "alt_text": "",
    "order": 0,
    "created_at": "2026-01-01T00:00:00Z",
    "width": 400,
    "height": 300,
    "thumbhash": "1QcSHQ==",
    "variants": [
        {
            "width": 320,
            "height": 240,
            "content_type": "image/webp",
            "url": "http://media.example/main_w320.webp",
        }
    ],
}


def upload(upload_id: str = "u1", state: str = "processing", **more: Any) -> dict[str, Any]:
    return {"id": upload_id, "state": state, "reason": None, "image": None, **more}


def ready(upload_id: str = "u1", **more: Any) -> dict[str, Any]:
    image_id = int(upload_id.removeprefix("u"))
    return upload(upload_id, "confirmed", image={**IMAGE, "id": image_id, **more})


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": code, **more})


Polled = Callable[[list[str]], httpx.Response]


class Scripted:
    """Issues tickets `u1`, `u2`, …, and answers each confirm and poll as the test says."""

    def __init__(self, polled: Polled, *, confirmed: list[httpx.Response] | None = None) -> None:
        self.lines: list[str] = []
        self.polled = polled
        self.confirmed = confirmed if confirmed is not None else []
        self.one: Callable[[str], httpx.Response] = lambda _: problem(404, "not_found")
        self.lock = threading.Lock()
        self._tickets = 0

    @property
    def polls(self) -> list[list[str]]:
        """Return the ids of each request for several uploads."""
        found = (re.fullmatch(r"GET /api/uploads/\?ids=(.*)", line) for line in self.lines)
        return [one[1].split(",") for one in found if one is not None]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        path = request.url.raw_path.decode()
        with self.lock:
            self.lines.append(f"{request.method} {path}")
        return self._answer(request, path)

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.url.host == "bucket.example":
            return httpx.Response(200, headers={"ETag": '"1"'})
        if path.endswith("/upload_image/"):
            return httpx.Response(201, json=self._ticket())
        if path.endswith("/upload_images/"):
            files = json.loads(request.content)["files"]
            return httpx.Response(201, json={"tickets": [self._ticket() for _ in files]})
        if request.method == "DELETE":
            return httpx.Response(204)
        upload_id = path.split("/")[3]
        if path.endswith("/confirm/"):
            with self.lock:
                if self.confirmed:
                    return self.confirmed.pop(0)
            return httpx.Response(202, json=upload(upload_id), headers={"Retry-After": "1"})
        if upload_id.startswith("?ids="):
            return self.polled(upload_id.removeprefix("?ids=").split(","))
        return self.one(upload_id)

    def _ticket(self) -> dict[str, Any]:
        with self.lock:
            self._tickets += 1
            number = self._tickets
        target = {"method": "PUT", "url": "http://bucket.example/k", "headers": {}}
        return {"id": f"u{number}", "key": "k", **TIMES, "upload": target}


def answering(*answers: Any) -> Polled:
    """Answer each poll with the next of these; the last one repeats."""
    left = list(answers)

    def polled(_: list[str]) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            # A response can be read only once.
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )
        return httpx.Response(200, json={"uploads": answer}, headers={"Retry-After": "3"})

    return polled


def client(server: Scripted, waits: list[float], **options: Any) -> Broker:
    transport = httpx.MockTransport(server)
    return Broker(URL, "token", transport=transport, wait=waits.append, **options)


def async_client(server: Scripted, waits: list[float], **options: Any) -> AsyncBroker:
    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    return AsyncBroker(URL, "token", transport=httpx.MockTransport(server), wait=wait, **options)
