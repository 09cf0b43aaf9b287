"""The synchronous client: run the steps with httpx.Client."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

import httpx

from broker_client.api import Api
from broker_client.bodies import Body
from broker_client.errors import ClientError, NetworkError
from broker_client.files import (
    File,
    FileToSend,
    OnProgress,
    Owner,
    Transport,
    UploadOptions,
    WaitFor,
)
from broker_client.http import answer_of, headers_of, http_url, timeouts
from broker_client.journal import Journal, NoJournal
from broker_client.many import OnDone
from broker_client.models import Image, Outcome, Profile, Upload, User
from broker_client.operations import Operations
from broker_client.processing import PROCESSING_TIMEOUT_SECONDS
from broker_client.retry_policy import DEFAULT_RETRIES, RetryPolicy
from broker_client.steps import Action, Answer, Request, Run, Steps, Together, Token, Wait
from broker_client.threads import Stop, Stopped, together

T = TypeVar("T")
TIMEOUT_SECONDS, AT_ONCE = 60.0, 4


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
        processing_timeout: how many seconds to wait while the broker processes an upload.
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
        processing_timeout: float = PROCESSING_TIMEOUT_SECONDS,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        policy = RetryPolicy(retries=retries, jitter=random.random)
        api = Api(base_url=http_url(base_url), policy=policy, clock=time.monotonic)
        self._operations = Operations(api, journal or NoJournal(), processing_timeout)
        self._token = token
        self._current: str | None = None
        self._token_lock = threading.Lock()
        self._wait = wait
        # Do not follow redirects and set no default headers, so that a token or a digest is sent
        # only to the server in the request's URL.
        self._http = httpx.Client(timeout=timeouts(timeout), transport=transport)

    @overload
    def upload(
        self, file: File, *, wait_for: Literal["ready"] = ..., **options: Unpack[UploadOptions]
    ) -> Image: ...

    @overload
    def upload(
        self, file: File, *, wait_for: WaitFor, **options: Unpack[UploadOptions]
    ) -> Image | Upload: ...

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
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Upload a path or a binary stream as an ad's image or as a user's avatar.

        Return the published image. With `wait_for="recorded"`, return as soon as the file has
        arrived: the upload if the broker is processing it, otherwise the image. `confirm` waits
        for the image later.

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
        owner = Owner.of(ad, user)
        steps = self._operations.upload(to_send, owner, on_progress, wait_for)
        return self._run(steps)

    def upload_many(
        self,
        files: Iterable[File | FileToSend],
        *,
        ad: int | None = None,
        user: int | None = None,
        at_once: int = AT_ONCE,
        on_progress: OnProgress | None = None,
        on_done: OnDone | None = None,
        wait_for: WaitFor = "ready",
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
            wait_for=wait_for,
        )
        return self._run(steps)

    @overload
    def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: Literal["ready"] = ...,
    ) -> Image: ...

    @overload
    def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor,
    ) -> Image | Upload: ...

    def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Resume an upload of this or another process. Only the missing bytes are sent."""
        steps = self._operations.resume(upload_id, file, on_progress, wait_for)
        return self._run(steps)

    @overload
    def confirm(self, upload_id: str, *, wait_for: Literal["ready"] = ...) -> Image: ...

    @overload
    def confirm(self, upload_id: str, *, wait_for: WaitFor) -> Image | Upload: ...

    def confirm(self, upload_id: str, *, wait_for: WaitFor = "ready") -> Image | Upload:
        """Record the image of an upload whose bytes have arrived, or wait for its image."""
        return self._run(self._operations.confirm(upload_id, wait_for))

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
            raise Stop
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
                return together(self._run, steps, limit, stopped)

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


def _stream(body: Body, stopped: Stopped) -> Iterator[bytes]:
    for chunk in body.chunks():
        if stopped():
            raise Stop
        yield chunk
        body.sent(chunk)
