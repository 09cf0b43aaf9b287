"""The asyncio client: run the steps with httpx.AsyncClient."""

import asyncio
import inspect
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
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
from broker_client.sync_driver import AT_ONCE, TIMEOUT_SECONDS

T = TypeVar("T")


class AsyncBroker:
    """Broker for asyncio, with the same methods. Files are read and hashed in threads.

    Callbacks are called in the event loop. A `token` function may return an awaitable.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str | Awaitable[str]],
        *,
        journal: Journal | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        retries: int = DEFAULT_RETRIES,
        timeout: float = TIMEOUT_SECONDS,
        processing_timeout: float = PROCESSING_TIMEOUT_SECONDS,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        policy = RetryPolicy(retries=retries, jitter=random.random)
        api = Api(base_url=http_url(base_url), policy=policy, clock=time.monotonic)
        self._operations = Operations(api, journal or NoJournal(), processing_timeout)
        self._token = token
        self._current: str | None = None
        self._token_lock = asyncio.Lock()
        self._wait = wait
        self._http = httpx.AsyncClient(timeout=timeouts(timeout), transport=transport)

    @overload
    async def upload(
        self, file: File, *, wait_for: Literal["ready"] = ..., **options: Unpack[UploadOptions]
    ) -> Image: ...

    @overload
    async def upload(
        self, file: File, *, wait_for: WaitFor, **options: Unpack[UploadOptions]
    ) -> Image | Upload: ...

    async def upload(
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
        """Upload a path or a binary stream. See Broker.upload."""
        to_send = FileToSend(
            file=file,
            alt_text=alt_text,
            order=order,
            content_type=content_type,
            transport=transport,
        )
        owner = Owner.of(ad, user)
        steps = self._operations.upload(to_send, owner, on_progress, wait_for)
        return await self._run(steps)

    async def upload_many(
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
        """Upload many files, `at_once` at a time. Return an outcome for each, in their order."""
        steps = self._operations.upload_many(
            files,
            Owner.of(ad, user),
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
            wait_for=wait_for,
        )
        return await self._run(steps)

    @overload
    async def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: Literal["ready"] = ...,
    ) -> Image: ...

    @overload
    async def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor,
    ) -> Image | Upload: ...

    async def resume(
        self,
        upload_id: str,
        file: File,
        *,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Resume an upload of this or another process. Only the missing bytes are sent."""
        steps = self._operations.resume(upload_id, file, on_progress, wait_for)
        return await self._run(steps)

    @overload
    async def confirm(self, upload_id: str, *, wait_for: Literal["ready"] = ...) -> Image: ...

    @overload
    async def confirm(self, upload_id: str, *, wait_for: WaitFor) -> Image | Upload: ...

    async def confirm(self, upload_id: str, *, wait_for: WaitFor = "ready") -> Image | Upload:
        """Record the image of an upload whose bytes have arrived, or wait for its image."""
        return await self._run(self._operations.confirm(upload_id, wait_for))

    async def cancel(self, upload_id: str) -> None:
        """Cancel an upload and release its slot."""
        await self._run(self._operations.cancel(upload_id))

    async def me(self) -> User:
        """Return the token's user. Its id is the `user` of `upload`."""
        return await self._run(self._operations.me())

    async def profiles(self) -> dict[str, Profile]:
        """Return the limits of uploads, by purpose: `ad_image`, `avatar`."""
        return await self._run(self._operations.profiles())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        reply: Any = None
        error: ClientError | OSError | None = None
        try:
            while True:
                try:
                    action = steps.send(reply) if error is None else steps.throw(error)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = error = None
                try:
                    reply = await self._do(action)
                except (ClientError, OSError) as raised:
                    error = raised
        finally:
            steps.close()

    async def _do(self, action: Action) -> Any:
        match action:
            case Request():
                return await self._ask(action)
            case Token(stale=stale):
                return await self._token_other_than(stale)
            case Wait(seconds=seconds):
                return await self._wait(seconds)
            case Run(act=act):
                return await asyncio.to_thread(act)
            case Together(steps=steps, limit=limit):
                return await self._together(steps, limit)

    async def _ask(self, request: Request) -> Answer:
        body = request.body
        content = _stream(body) if isinstance(body, Body) else body
        try:
            response = await self._http.request(
                request.method, request.url, content=content, headers=headers_of(request)
            )
        except httpx.RequestError as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error
        return answer_of(response)

    async def _token_other_than(self, stale: str | None) -> str:
        """Return the token. If the current token is the stale one, get a new one first."""
        if isinstance(self._token, str):
            return self._token
        async with self._token_lock:
            if self._current is None or self._current == stale:
                fresh = self._token()
                self._current = await fresh if inspect.isawaitable(fresh) else fresh
            return self._current

    async def _together(
        self, steps: Sequence[Generator[Action, Any, Any]], limit: int
    ) -> list[Any]:
        semaphore = asyncio.Semaphore(limit)

        async def run_one(one: Generator[Action, Any, Any]) -> Any:
            async with semaphore:
                return await self._run(one)

        tasks = [asyncio.ensure_future(run_one(one)) for one in steps]
        try:
            return await asyncio.gather(*tasks)
        finally:
            # No task may use the file after an error or after the caller was cancelled.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _stream(body: Body) -> AsyncIterator[bytes]:
    chunks = body.chunks()
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
        body.sent(chunk)
