"""Requests to the API and to the bucket, at the pace of the run.

The caller follows the documented rules: it waits as long as Retry-After says, and repeats a request
if the connection breaks. `journeys.py` decides which answers are correct.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from tests.soak.ledger import Ledger

ATTEMPTS_MAX = 300
WAIT_MAX = 5.0
BROKEN_WAIT = 0.2
UPLOAD_WAIT = 0.5
SENT = (200, 201, 204)


class GaveUp(Exception):
    """The journey stopped early. The ledger holds the reason."""


class Pace:
    """Limits the rate of all clients together, in requests per second; None means no limit."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next free time slot. A missed slot is not used later."""
        if self.rate is None:
            return
        now = time.monotonic()
        self._next = max(self._next, now) + 1 / self.rate
        await asyncio.sleep(self._next - 1 / self.rate - now)


@dataclass(frozen=True)
class Answer:
    """An answer. `repeated` means that an earlier attempt may have succeeded."""

    status: int
    body: Any
    repeated: bool

    @property
    def code(self) -> str | None:
        """The problem code, or None."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Calls:
    """Sends the requests of all clients and records their answers."""

    def __init__(self, url: str, ledger: Ledger, pace: Pace, connections: int) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        options: dict[str, Any] = {"limits": limits, "timeout": 40, "trust_env": False}
        self.ledger = ledger
        self.pace = pace
        self._api = httpx.AsyncClient(base_url=url, **options)
        self._bucket = httpx.AsyncClient(**options)

    async def close(self) -> None:
        """Close every connection."""
        await self._api.aclose()
        await self._bucket.aclose()

    async def ask(self, method: str, path: str, want: tuple[int, ...], **request: Any) -> Answer:
        """Repeat a request while the answer is 503; raise GaveUp if its status is not wanted."""
        repeated = False
        for _ in range(ATTEMPTS_MAX):
            await self.pace.turn()
            begun = time.monotonic()
            what = f"{method} {path}"
            try:
                answer = await self._api.request(method, path, **request)
            except httpx.TransportError as error:
                self.ledger.lost(begun, f"{what}: {type(error).__name__} {error}")
                repeated = True
                await asyncio.sleep(BROKEN_WAIT)
                continue
            body = answer.json() if answer.content else None
            if answer.status_code == 503:
                wait = answer.headers.get("Retry-After")
                self.ledger.unavailable(begun, str((body or {}).get("code")), wait, what)
                repeated = True
                await asyncio.sleep(min(float(wait or 1), WAIT_MAX))
                continue
            said = Answer(answer.status_code, body, repeated)
            if said.status not in want and not (repeated and said.code == "idempotency_in_flight"):
                self.record_error(f"{what}: {said.status} {answer.text[:300]}, expected {want}")
            self.ledger.answered(begun)
            return said
        self.record_error(f"{method} {path}: no answer after {ATTEMPTS_MAX} attempts")

    def record_error(self, what: str) -> NoReturn:
        """Record an error and stop the journey."""
        self.ledger.record_error(what)
        raise GaveUp

    async def send(self, ticket: dict[str, Any], data: bytes) -> bool:
        """Send a ticket's form, repeatedly if the bucket is down; return False if it is refused."""
        upload = ticket["upload"]
        files = {"file": ("photo", data)}
        answer = await self._to_bucket("POST", upload["url"], data=upload["fields"], files=files)
        self.ledger.upload("sent" if answer.status_code in SENT else "refused")
        return answer.status_code in SENT

    async def put(self, url: str, data: bytes) -> None:
        """Write an object directly, like an attacker with the bucket's credentials."""
        await self._to_bucket("PUT", url, content=data, headers={"Content-Type": "image/jpeg"})

    async def fetch(self, url: str) -> bytes:
        """Read an object."""
        answer = await self._to_bucket("GET", url)
        if answer.status_code != 200:
            self.record_error(f"GET {url}: {answer.status_code}")
        return answer.content

    async def _to_bucket(self, method: str, url: str, **request: Any) -> httpx.Response:
        for _ in range(ATTEMPTS_MAX):
            begun = time.monotonic()
            what = f"{method} to the bucket"
            try:
                answer = await self._bucket.request(method, url, **request)
            except httpx.TransportError as error:
                what += f": {type(error).__name__}"
            else:
                if answer.status_code < 500:
                    return answer
                what += f": {answer.status_code}"
            if not self.ledger.bucket_away(begun):
                self.record_error(f"{what} while it was not away")
            self.ledger.upload("away")
            await asyncio.sleep(UPLOAD_WAIT)
        self.record_error(f"{method} to the bucket: no answer after {ATTEMPTS_MAX} attempts")
