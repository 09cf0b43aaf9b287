"""The synchronous client: run the steps with httpx.Client."""

import queue
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from broker_client.api import Api
from broker_client.bodies import Body
from broker_client.errors import ClientError, NetworkError
from broker_client.files import File, FileToSend, OnProgress, Owner, Transport
from broker_client.http import answer_of, headers_of, http_url, timeouts
from broker_client.journal import Journal, NoJournal
from broker_client.many import OnDone
from broker_client.models import Image, Outcome, Profile, User
from broker_client.operations import Operations
from broker_client.retry_policy import DEFAULT_RETRIES, RetryPolicy
from broker_client.steps import Action, Answer, Request, Run, Steps, Together, Token, Wait

T = TypeVar("T")
TIMEOUT_SECONDS, AT_ONCE = 60.0, 4
Stopped = Callable[[], bool]


class Broker:
    """Uploads files through one broker. Many threads may use one Broker.

    Args:
        base_url: the broker's address.
        token: the bearer token, or a function that returns one. The function is called again
            after a 401, and the request is repeated once. A string is not tried twice.
        journal: stores unfinished uploads. With a FolderJournal a later process can resume them.
        transport: an httpx transport, for proxies, certificates or tests.
        retries: the maximum number of repeats of one request.
        timeout: a request fails after this many seconds without any data.
        wait: a function that waits for the given seconds between tries.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str],
        *,
        journal: Journal | None = None,
        transport: httpx.BaseTransport | None = None,
        retries: int = DEFAULT_RETRIES,
        timeout: float = TIMEOUT_SECONDS,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        policy = RetryPolicy(retries=retries, jitter=random.random)
        api = Api(base_url=http_url(base_url), policy=policy, clock=time.monotonic)
        self._operations = Operations(api, journal or NoJournal())
        self._token = token
        self._current: str | None = None
        self._token_lock = threading.Lock()
        self._wait = wait
        # Do not follow redirects and set no default headers, so that a token or a digest is sent
        # only to the server in the request's URL.
        self._http = httpx.Client(timeout=timeouts(timeout), transport=transport)

    def upload(
        self,
        file: File,
        *,
        ad: int | None = None,
        user: int | None = None,
        alt_text: str = "",
        order: int = 0,
        content_type: str | None = None,
        transport: Transport | None = None,
        on_progress: OnProgress | None = None,
    ) -> Image:
        """Upload a path or a binary stream as an ad's image or as a user's avatar.

        A stream is read from its current position. A stream that cannot seek is first copied to
        disk.

        Raises:
            ClientError: see broker_client.errors.
            OSError: the file cannot be read.
        """
        to_send = FileToSend(
            file=file,
            alt_text=alt_text,
            order=order,
            content_type=content_type,
            transport=transport,
        )
        return self._run(self._operations.upload(to_send, Owner.of(ad, user), on_progress))

    def upload_many(
        self,
        files: Iterable[File | FileToSend],
        *,
        ad: int | None = None,
        user: int | None = None,
        at_once: int = AT_ONCE,
        on_progress: OnProgress | None = None,
        on_done: OnDone | None = None,
    ) -> list[Outcome]:
        """Upload many files, `at_once` at a time. Return an outcome for each, in their order.

        `on_progress` and `on_done` are called from several threads.
        """
        steps = self._operations.upload_many(
            files,
            Owner.of(ad, user),
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
        )
        return self._run(steps)

    def resume(self, upload_id: str, file: File, *, on_progress: OnProgress | None = None) -> Image:
        """Resume an upload of this or another process. Only the missing bytes are sent."""
        return self._run(self._operations.resume(upload_id, file, on_progress))

    def confirm(self, upload_id: str) -> Image:
        """Record the image of an upload whose bytes have arrived."""
        return self._run(self._operations.confirm(upload_id))

    def cancel(self, upload_id: str) -> None:
        """Cancel an upload and release its slot."""
        self._run(self._operations.cancel(upload_id))

    def me(self) -> User:
        """Return the token's user. Its id is the `user` of `upload`."""
        return self._run(self._operations.me())

    def profiles(self) -> dict[str, Profile]:
        """Return the limits of uploads, by purpose: `ad_image`, `avatar`."""
        return self._run(self._operations.profiles())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, steps: Steps[T], stopped: Stopped = lambda: False) -> T:
        reply: Any = None
        error: ClientError | OSError | None = None
        try:
            while not stopped():
                try:
                    action = steps.send(reply) if error is None else steps.throw(error)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = error = None
                try:
                    reply = self._do(action, stopped)
                except (ClientError, OSError) as raised:
                    error = raised
            raise _Stop
        finally:
            steps.close()

    def _do(self, action: Action, stopped: Stopped) -> Any:
        match action:
            case Request():
                return self._ask(action, stopped)
            case Token(stale=stale):
                return self._token_other_than(stale)
            case Wait(seconds=seconds):
                return self._wait(seconds)
            case Run(act=act):
                return act()
            case Together(steps=steps, limit=limit):
                return self._together(steps, limit, stopped)

    def _ask(self, request: Request, stopped: Stopped) -> Answer:
        body = request.body
        content = _stream(body, stopped) if isinstance(body, Body) else body
        try:
            response = self._http.request(
                request.method, request.url, content=content, headers=headers_of(request)
            )
        except httpx.RequestError as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error
        return answer_of(response)

    def _token_other_than(self, stale: str | None) -> str:
        """Return the token. If the current token is the stale one, get a new one first."""
        if isinstance(self._token, str):
            return self._token
        with self._token_lock:
            if self._current is None or self._current == stale:
                self._current = self._token()
            return self._current

    def _together(
        self, steps: Sequence[Generator[Action, Any, Any]], limit: int, stopped: Stopped
    ) -> list[Any]:
        if len(steps) == 1:
            return [self._run(steps[0], stopped)]
        stop = threading.Event()
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
        for index in range(len(steps)):
            todo.put(index)

        def stopping() -> bool:
            return stop.is_set() or stopped()

        def work() -> None:
            while True:
                try:
                    index = todo.get_nowait()
                except queue.Empty:
                    return
                try:
                    done.put((index, self._run(steps[index], stopping), None))
                except BaseException as error:  # raised in the calling thread
                    done.put((index, None, error))

        # Daemon threads: after Ctrl-C the process does not wait for requests in progress.
        for _ in range(min(limit, len(steps))):
            threading.Thread(target=work, daemon=True).start()
        results: dict[int, Any] = {}
        first: BaseException | None = None
        try:
            for _ in steps:
                index, results[index], error = done.get()
                if error is not None:
                    stop.set()
                    first = first or error
        finally:
            stop.set()
        if first is not None:
            raise first
        return [results[index] for index in range(len(steps))]


class _Stop(BaseException):
    """Ends the other steps after one has failed. No step catches a BaseException."""


def _stream(body: Body, stopped: Stopped) -> Iterator[bytes]:
    for chunk in body.chunks():
        if stopped():
            raise _Stop
        yield chunk
        body.sent(chunk)
