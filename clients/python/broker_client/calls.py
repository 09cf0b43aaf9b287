"""Calls of the broker's API, with the token, the retries and the errors that all have alike."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from broker_client.errors import BrokerError, NetworkError, Unauthorized, error_class
from broker_client.steps import Answer, Request, Steps, Token, Wait, ask

FIRST_PAUSE = 0.5  # seconds
LONGEST_PAUSE = 20.0
LONGEST_RETRY_AFTER = 120.0  # a server may ask for more patience than that; it does not get it


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What one client's calls have in common; `retries` is of one request, after its first try."""

    base_url: str
    retries: int
    jitter: Callable[[], float]  # 0 to 1
    clock: Callable[[], float]  # seconds, monotonic

    def pauses(self) -> Iterator[float]:
        """Give the seconds to wait before each retry: doubled each time, half of it by chance."""
        for number in range(self.retries):
            longest = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
            yield longest * (0.5 + self.jitter() / 2)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = None,
    ) -> Steps[Any]:
        """Call the API until it answers, and give the answer's JSON.

        No answer, 5xx, 408, 429 and `idempotency_in_flight` are tried again, after Retry-After
        where it is given. An expired token is asked for again, once.

        Raises:
            BrokerError, NetworkError.
        """
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers["Content-Type"] = "application/json"
        pauses = self.pauses()
        token: str = yield Token()
        renewed = False
        while True:
            authorized = {**headers, "Authorization": _bearer(token)}
            url = f"{self.base_url}{path}"
            try:
                answer = yield from ask(
                    Request(method=method, url=url, headers=authorized, body=content)
                )
            except NetworkError:
                if not (yield from paused(pauses)):
                    raise
                continue
            if answer.status == 204:
                return None
            if 200 <= answer.status < 300 and (found := answer.json()) is not None:
                return found
            error = problem(answer)
            if error.code == "token_expired" and not renewed:
                fresh: str = yield Token(stale=token)
                if fresh == token:
                    raise error
                token, renewed = fresh, True
            elif not _passes(error) or not (yield from paused(pauses, error.retry_after)):
                raise error


def paused(pauses: Iterator[float], retry_after: float | None = None) -> Steps[bool]:
    """Wait before a retry; False where no retry is left."""
    pause = next(pauses, None)
    if pause is None:
        return False
    yield Wait(seconds=max(pause, min(retry_after or 0.0, LONGEST_RETRY_AFTER)))
    return True


def problem(answer: Answer) -> BrokerError:
    """Read a problem+json; whatever else has answered becomes `unexpected_answer`."""
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        detail = f"status {answer.status}, and no answer of the broker's"
        kind = error_class("unexpected_answer", answer.status)
        return kind("unexpected_answer", answer.status, detail, None, answer.retry_after)
    kind = error_class(body["code"], answer.status)
    detail, errors = str(body.get("detail", "")), body.get("errors")
    return kind(body["code"], answer.status, detail, errors, answer.retry_after)


def _bearer(token: str) -> str:
    """Give the header's value; a token that was read from a file may end with its line.

    Raises:
        Unauthorized: no header can have it; httpx' own error would show the token.
    """
    bare = token.strip()
    if not re.fullmatch("[!-~]+", bare):
        raise Unauthorized("token_invalid", 401, "the token is empty, or not one line of ASCII")
    return f"Bearer {bare}"


def _passes(error: BrokerError) -> bool:
    """Tell whether the same request may well be answered a moment later."""
    if error.status == 429:
        # A limit is kept, not probed: where it lasts too long the caller is told of it.
        return (error.retry_after or 0.0) <= LONGEST_RETRY_AFTER
    return error.status == 408 or error.status >= 500 or error.code == "idempotency_in_flight"
