"""Requests to the broker's API, with tokens, retries and errors."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from broker_client.errors import (
    BrokerError,
    NetworkError,
    Unauthorized,
    UploadRejected,
    error_class,
)
from broker_client.owners import Owner
from broker_client.retry_policy import Decision, Failure, RetryPolicy, wait_before_retry
from broker_client.steps import Answer, Request, Steps, Token, ask


@dataclass(frozen=True, kw_only=True)
class Api:
    """The API of one broker, for one client.

    Args:
        base_url: the broker's address, without a slash at the end.
        policy: decides when requests are repeated.
        clock: returns seconds, monotonic.
        owner: the owner that the requests are about. It decides which token is sent.
    """

    base_url: str
    policy: RetryPolicy
    clock: Callable[[], float]
    owner: Owner | None = None

    def about(self, owner: Owner | None) -> Self:
        """Return the same API for requests about an owner."""
        return replace(self, owner=owner)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = None,
    ) -> Steps[Any]:
        """Send a request as `answer` does, and return the answer's JSON."""
        answer = yield from self.answer(method, path, body, idempotency_key=idempotency_key)
        return answer.json()

    def answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = None,
    ) -> Steps[Answer]:
        """Send a request, repeat it by the rules of `request`, and return the successful answer.

        After any 401 the caller's function is asked once for another token. A second 401 in a row
        is final.

        Raises:
            BrokerError: the broker refused the request, or no retry was left.
            TokenFailed: the caller's function did not return a token.
            NetworkError: the last try got no answer.
        """
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers["Content-Type"] = "application/json"
        pauses = self.policy.pauses()
        token: str = yield Token(owner=self.owner)
        renewed = False
        while True:
            authorized = {**headers, "Authorization": _bearer(token)}
            request = Request(
                method=method, url=f"{self.base_url}{path}", headers=authorized, body=content
            )
            error: BrokerError | NetworkError
            retry_after = None
            try:
                answer = yield from ask(request)
            except NetworkError as raised:
                error = raised
            else:
                if answer.status == 204:
                    return answer
                if 200 <= answer.status < 300 and answer.json() is not None:
                    return answer
                error = problem(answer)
                retry_after = error.retry_after
            decision = self.policy.decide("request", Failure.of(error))
            if decision is Decision.SIGN_IN and not renewed:
                fresh: str = yield Token(owner=self.owner, stale=token)
                if fresh == token:
                    raise error
                token, renewed = fresh, True
            elif decision is not Decision.RETRY or not (
                yield from wait_before_retry(pauses, retry_after)
            ):
                raise error
            else:
                renewed = False


def problem(answer: Answer) -> BrokerError:
    """Read a problem+json answer. Without a code the error is `unexpected_answer`."""
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        detail = f"status {answer.status}, and not in the broker's format"
        kind = error_class("unexpected_answer", answer.status)
        return kind("unexpected_answer", answer.status, detail, None, answer.retry_after)
    kind = error_class(body["code"], answer.status)
    detail, errors = str(body.get("detail", "")), body.get("errors")
    error = kind(body["code"], answer.status, detail, errors, answer.retry_after)
    if isinstance(error, UploadRejected):
        error.reason = body.get("reason")
    return error


def _bearer(token: str) -> str:
    """Return the header's value. A token from a file may end with a newline.

    Raises:
        Unauthorized: the token cannot be sent in a header. httpx's own error would contain the
            token.
    """
    bare = token.strip()
    if not re.fullmatch("[!-~]+", bare):
        raise Unauthorized("token_invalid", 401, "the token is empty, or not one line of ASCII")
    return f"Bearer {bare}"
