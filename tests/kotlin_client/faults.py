"""What goes wrong on the way of the Kotlin client: answers that are lost, and answers of others."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flask import Flask, Response, request

from tests.servers.header_proxy import header_proxy


def _is_clients() -> bool:
    """Check whether the current request is the Kotlin client's, and not one of the test."""
    return request.user_agent.string.startswith("okhttp")


def lose_answers(app: Flask, *endings: str) -> list[str]:
    """Let the broker do what is asked, but lose its first answer to each of these paths.

    Returns the methods and paths of all requests.
    """
    left, asked = list(endings), list[str]()

    def after(response: Response) -> Response:
        if not _is_clients():
            return response
        asked.append(f"{request.method} {request.path}")
        ending = next((one for one in left if request.path.endswith(one)), None)
        if ending is not None:
            left.remove(ending)
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return response

    # Not app.after_request, which Flask allows only before the first request.
    app.after_request_funcs.setdefault(None, []).append(after)
    return asked


def answer_first(app: Flask, ending: str, answer: Callable[[], Response]) -> list[str]:
    """Answer the first request for a path instead of the broker. Return all methods and paths."""
    asked: list[str] = []

    def before() -> Response | None:
        if not _is_clients():
            return None
        is_first = not any(path.endswith(ending) for path in asked)
        asked.append(f"{request.method} {request.path}")
        return answer() if is_first and request.path.endswith(ending) else None

    app.before_request_funcs.setdefault(None, []).append(before)
    return asked


@contextlib.contextmanager
def losing_bucket(endpoint_url: str, count: int = 1) -> Iterator[str]:
    """Forward to an S3 server, and lose its first answers. Yields the URL."""
    left = [count]

    def before_answer() -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionAbortedError("lost")

    with header_proxy(endpoint_url, before_answer=before_answer) as url:
        yield url


@dataclass
class AnsweringBucket:
    """The URL of a bucket that does not answer its first request itself."""

    url: str = ""
    times: list[float] = field(default_factory=list)  # of each request, in seconds


@contextlib.contextmanager
def answering_bucket(
    endpoint_url: str, status: int, body: bytes, *, after: int | None = None
) -> Iterator[AnsweringBucket]:
    """Forward to an S3 server, but give another answer to the first request."""
    bucket = AnsweringBucket()

    def answered(_method: str, _path: str) -> int | None:
        bucket.times.append(time.monotonic())
        return status if len(bucket.times) == 1 else None

    headers = {} if after is None else {"Retry_After": str(after)}
    with header_proxy(endpoint_url, answered=answered, own_body=body, **headers) as bucket.url:
        yield bucket


def sent_requests(app: Flask) -> list[str]:
    """Return a list to which the method and path of each request to the broker are added."""
    asked: list[str] = []

    def note() -> None:
        if _is_clients():
            asked.append(f"{request.method} {request.path}")

    app.before_request_funcs.setdefault(None, []).append(note)
    return asked
