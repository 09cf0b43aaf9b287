"""The synchronous client."""

import random
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Literal, Self, Unpack, overload

import httpx

from broker_client.api import Api
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
from broker_client.sync_runner import Runner
from broker_client.tokens import GivenToken

TIMEOUT_SECONDS, AT_ONCE = 60.0, 4


class Broker:
    """Uploads files through one broker. Many threads may use one Broker.

    Args:
        base_url: the broker's address.
        token: the bearer token, or a function that returns one. A function that takes the keywords
            `profile` and `owner` is called once for each owner, any other function without
            arguments. After a 401 it is called again, and the request is repeated once. A string
            is not tried twice.
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
        token: GivenToken,
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
        self._runner = Runner(token, transport, timeout, wait)

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
        owner: str | None = None,
        alt_text: str = "",
        order: int = 0,
        content_type: str | None = None,
        transport: Transport | None = None,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Upload a path or a binary stream: to an ad, as a user's avatar, or to another owner.

        `owner` is a profile and an owner, such as `product_image/42`.

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
        of = Owner.of(ad, user, owner)
        steps = self._operations.upload(to_send, of, on_progress, wait_for)
        return self._runner.run(steps)

    def upload_many(
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
        """Upload many files, `at_once` at a time. Return an outcome for each, in their order.

        `on_progress` and `on_done` are called from several threads.
        """
        steps = self._operations.upload_many(
            files,
            Owner.of(ad, user, owner),
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
            wait_for=wait_for,
        )
        return self._runner.run(steps)

    @overload
    def resume(
        self,
        upload_id: str,
        file: File,
        *,
        wait_for: Literal["ready"] = ...,
        **options: Unpack[ResumeOptions],
    ) -> Image: ...

    @overload
    def resume(
        self, upload_id: str, file: File, *, wait_for: WaitFor, **options: Unpack[ResumeOptions]
    ) -> Image | Upload: ...

    def resume(
        self,
        upload_id: str,
        file: File,
        *,
        owner: str | None = None,
        on_progress: OnProgress | None = None,
        wait_for: WaitFor = "ready",
    ) -> Image | Upload:
        """Resume an upload of this or another process. Only the missing bytes are sent.

        Pass the `owner` if the token depends on it, such as `ad_image/7` or `product_image/42`.
        """
        steps = self._operations.resume(upload_id, file, owner, on_progress, wait_for)
        return self._runner.run(steps)

    @overload
    def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: Literal["ready"] = ...
    ) -> Image: ...

    @overload
    def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: WaitFor
    ) -> Image | Upload: ...

    def confirm(
        self, upload_id: str, *, owner: str | None = None, wait_for: WaitFor = "ready"
    ) -> Image | Upload:
        """Record the image of an upload whose bytes have arrived, or wait for its image.

        For `owner` see `resume`.
        """
        return self._runner.run(self._operations.confirm(upload_id, owner, wait_for))

    def cancel(self, upload_id: str, *, owner: str | None = None) -> None:
        """Cancel an upload and release its slot."""
        self._runner.run(self._operations.cancel(upload_id, owner))

    def files(self, owner: str, *, limit: int | None = None, cursor: str | None = None) -> FilePage:
        """Return one page of an owner's published files, in their order.

        Args:
            owner: such as `product_image/42`, `ad_image/7` or `avatar/1`.
            limit: the number of files, at most 100. By default 50.
            cursor: the `next_cursor` of the page before.
        """
        return self._runner.run(self._operations.files(owner, limit, cursor))

    def update_file(
        self, owner: str, file_id: int, *, alt_text: str | None = None, order: int | None = None
    ) -> StoredFile:
        """Change the alt text or the order of an owner's file."""
        return self._runner.run(self._operations.update_file(owner, file_id, alt_text, order))

    def delete_file(self, owner: str, file_id: int) -> bool:
        """Delete an owner's file. Return False if there is no such file."""
        return self._runner.run(self._operations.delete_file(owner, file_id))

    def me(self) -> User:
        """Return the token's user. Its id is the `user` of `upload`."""
        return self._runner.run(self._operations.me())

    def profiles(self) -> dict[str, Profile]:
        """Return what may be uploaded, by the name of the profile: `ad_image`, `avatar`, …."""
        return self._runner.run(self._operations.profiles())

    def close(self) -> None:
        """Close the connections."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
