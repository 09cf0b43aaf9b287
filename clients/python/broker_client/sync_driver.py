"""The client for threads: runs the rules' steps with httpx.Client."""

import queue
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from broker_client.bodies import Body
from broker_client.calls import Rules
from broker_client.errors import ClientError, NetworkError
from broker_client.files import File, FileToSend, OnProgress, Owner, Transport
from broker_client.http import answer_of, headers_of, http_url, timeouts
from broker_client.journal import Journal, NoJournal
from broker_client.many import OnDone
from broker_client.models import Image, Outcome, Profile
from broker_client.operations import Operations
from broker_client.steps import Action, Answer, Request, Run, Steps, Together, Token, Wait

T = TypeVar("T")
RETRIES, TIMEOUT_SECONDS, AT_ONCE = 6, 60.0, 4
Stopped = Callable[[], bool]


class Broker:
    """Uploads files through one broker; may be used by many threads, and closed once.

    Args:
        base_url: where the broker is.
        token: the bearer token, or what gives one; that is called again when it has expired.
        journal: what is kept of unfinished uploads; a FolderJournal lets a later process go on.
        transport: httpx' own, for proxies, certificates or tests.
        retries: how often one request is tried again.
        timeout: seconds without a sign of life, of one request.
        wait: what passes the seconds between tries.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str],
        *,
        journal: Journal | None = None,
        transport: httpx.BaseTransport | None = None,
        retries: int = RETRIES,
        timeout: float = TIMEOUT_SECONDS,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        rules = Rules(
            base_url=http_url(base_url),
            retries=retries,
            jitter=random.random,
            clock=time.monotonic,
        )
        self._operations = Operations(rules, journal or NoJournal())
        self._token = token
        self._current: str | None = None
        self._token_lock = threading.Lock()
        self._wait = wait
        # Redirects are not followed, and no header is the client's own: a token or a digest
        # goes to the server that the request names, and to no other.
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
        """Upload a path or a binary stream as an ad's image, or as a user's avatar.

        A stream is read from where it stands; one that cannot seek is copied to disk first.

        Raises:
            ClientError (see broker_client.errors), OSError.
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
        """Upload many files, `at_once` at a time; gives an outcome a file, in their order.

        `on_progress` and `on_done` are called by the threads that do the work.
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
        """Go on with an upload of this or another process: only what is missing is sent."""
        return self._run(self._operations.resume(upload_id, file, on_progress))

    def confirm(self, upload_id: str) -> Image:
        """Record the image of an upload whose bytes have been sent."""
        return self._run(self._operations.confirm(upload_id))

    def cancel(self, upload_id: str) -> None:
        """Give an upload up, and its place with it."""
        self._run(self._operations.cancel(upload_id))

    def profiles(self) -> dict[str, Profile]:
        """Read what may be uploaded, by purpose: `ad_image`, `avatar`."""
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
                return self._token_but(stale)
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

    def _token_but(self, stale: str | None) -> str:
        """Give the token; where the one at hand is the stale one, get a fresh one."""
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
                except BaseException as error:  # given to the thread that waits
                    done.put((index, None, error))

        # Daemons: after Ctrl-C the process need not wait for what is on the network.
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
    """Another of those that run together has failed; no rule may take it for its own error."""


def _stream(body: Body, stopped: Stopped) -> Iterator[bytes]:
    for chunk in body.chunks():
        if stopped():
            raise _Stop
        yield chunk
        body.sent(chunk)
