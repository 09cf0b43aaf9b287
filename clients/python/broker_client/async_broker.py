"""The asyncio client."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Literal, Self, Unpack, overload

import httpx

from broker_client.api import Api
from broker_client.async_runner import AsyncRunner
from broker_client.files import (
    File,
    FileToSend,
    OnProgress,
    ResumeOptions,
    Transport,
    UploadOptions,
    WaitFor,
)
from broker_client.http import http_url
from broker_client.journal import Journal, NoJournal
from broker_client.many import OnDone
from broker_client.models import FilePage, Image, Outcome, Profile, StoredFile, Upload, User
from broker_client.operations import Operations
from broker_client.owners import Owner
from broker_client.processing import PROCESSING_TIMEOUT_SECONDS
from broker_client.retry_policy import DEFAULT_RETRIES, RetryPolicy
from broker_client.sync_broker import AT_ONCE, TIMEOUT_SECONDS
from broker_client.tokens import AsyncGivenToken


class AsyncBroker:
    """Broker for asyncio, with the same methods. Files are read and hashed in threads.

    Callbacks are called in the event loop. A `token` function may return an awaitable.
    """

    def __init__(
        self,
        base_url: str,
        token: AsyncGivenToken,
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
        self._runner = AsyncRunner(token, transport, timeout, wait)

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
        owner: str | None = None,
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
        of = Owner.of(ad, user, owner)
        steps = self._operations.upload(to_send, of, on_progress, wait_for)
        return await self._runner.run(steps)

    async def upload_many(
        self,
        files: Iterable[File | FileToSend],
        *,
        ad: int | None = None,
        user: int | None = None,
        owner: str | None = None,
        at_once: int = AT_ONCE,
        on_progress: OnProgress | None = None,
        on_done: OnDone | None = None,
        wait_for: WaitFor = "ready",
    ) -> list[Outcome]:
        """Upload many files, `at_once` at a time. Return an outcome for each, in their order."""
        steps = self._operations.upload_many(
            files,
            Owner.of(ad, user, owner),
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
            wait_for=wait_for,
        )
        return await self._runner.run(steps)

    @overload
    async def resume(
        self,
        upload_id: str,
        file: File,
        *,
        wait_for: Literal["ready"] = ...,
        **options: Unpack[ResumeOptions],
    ) -> Image: ...

    @overload
    async def resume(
        self, upload_id: str, file: File, *, wait_for: WaitFor, **options: Unpack[ResumeOptions]
    ) -> Image | Upload: ...

    async def resume(
        self,
        upload_id: str,
        file: File,
        *,
        owner: str | None = None,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Resume an upload of this or another process. Only the missing bytes are sent."""
        steps = self._operations.resume(upload_id, file, owner, on_progress, wait_for)
        return await self._runner.run(steps)

    @overload
    async def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: Literal["ready"] = ...
    ) -> Image: ...

    @overload
    async def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: WaitFor
    ) -> Image | Upload: ...

    async def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: WaitFor = "ready"
    ) -> Image | Upload:
        """Record the image of an upload whose bytes have arrived, or wait for its image."""
        return await self._runner.run(self._operations.confirm(upload_id, owner, wait_for))

    async def cancel(self, upload_id: str, *, owner: str | None = None) -> None:
        """Cancel an upload and release its slot."""
        await self._runner.run(self._operations.cancel(upload_id, owner))

    async def files(
        self, owner: str, *, limit: int | None = None, cursor: str | None = None
    ) -> FilePage:
        """Return one page of an owner's published files, in their order."""
        return await self._runner.run(self._operations.files(owner, limit, cursor))

    async def update_file(
        self, owner: str, file_id: int, *, alt_text: str | None = None, order: int | None = None
    ) -> StoredFile:
        """Change the alt text or the order of an owner's file."""
        return await self._runner.run(self._operations.update_file(owner, file_id, alt_text, order))

    async def delete_file(self, owner: str, file_id: int) -> bool:
        """Delete an owner's file. Return False if there is no such file."""
        return await self._runner.run(self._operations.delete_file(owner, file_id))

    async def me(self) -> User:
        """Return the token's user. Its id is the `user` of `upload`."""
        return await self._runner.run(self._operations.me())

    async def profiles(self) -> dict[str, Profile]:
        """Return what may be uploaded, by the name of the profile: `ad_image`, `avatar`, …."""
        return await self._runner.run(self._operations.profiles())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
