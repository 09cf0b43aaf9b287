"""Wait for uploads that the broker is processing. One request asks for all of them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from broker_client.api import Api
from broker_client.errors import (
    BrokerError,
    ClientError,
    NotFound,
    StillProcessing,
    UploadRejected,
)
from broker_client.models import Image, Upload
from broker_client.owners import Owner
from broker_client.retry_policy import Decision, Failure, seconds_to_wait
from broker_client.steps import Steps, Token, Wait
from broker_client.whole import confirm

PROCESSING_TIMEOUT_SECONDS = 600.0
MAX_IDS = 50  # the API's own limit
LOOK_SECONDS = 0.25  # between two looks at what another caller found


@dataclass(kw_only=True, eq=False)
class Waiting:
    """One caller's wait for an upload. `found` is the upload, None, or an error once `settled`."""

    upload_id: str
    owner: Owner | None
    until: float
    settled: bool = False
    found: Upload | ClientError | None = None


class Processing:
    """The uploads of one client that are being processed.

    Callers may be in several threads. One of them asks the broker about the uploads of all, and
    the others look at what it found.

    Args:
        api: the broker.
        timeout: how many seconds to wait for one upload.
    """

    def __init__(self, api: Api, timeout: float = PROCESSING_TIMEOUT_SECONDS) -> None:
        self._api = api
        # A single try: `turn` decides what to do after a failure, and the timeout is checked.
        self._once = replace(api, policy=replace(api.policy, retries=0))
        self._timeout = timeout
        self._lock = threading.Lock()
        self._callers: list[Waiting] = []
        self._asking = False
        self._polls = 0  # since the last upload was added
        self._failures = 0
        self._retry_after: float | None = None
        self._one_by_one = False

    def image(self, upload: Upload, owner: Owner | None) -> Steps[Image]:
        """Return the upload's image as soon as it is ready.

        Raises:
            UploadRejected: the broker inspected the file and will not publish it.
            StillProcessing: the timeout has passed.
            BrokerError: for example UploadGone if the upload was cancelled.
        """
        waiting = self.add(upload, owner)
        try:
            image = None
            while image is None:
                yield from self.turn()
                image = yield from self.check(waiting)
            return image
        finally:
            self.remove(waiting)

    def add(self, upload: Upload, owner: Owner | None) -> Waiting:
        """Include an upload in the next polls, until `remove`."""
        until = self._api.clock() + self._timeout
        waiting = Waiting(upload_id=upload.id, owner=owner, until=until)
        with self._lock:
            self._callers.append(waiting)
            self._polls = 0  # poll often again
            self._retry_after = upload.retry_after or self._retry_after
        return waiting

    def remove(self, waiting: Waiting) -> None:
        """Stop asking for an upload."""
        with self._lock:
            self._callers.remove(waiting)
            if not self._callers:
                self._failures, self._retry_after, self._one_by_one = 0, None, False

    def turn(self) -> Steps[None]:
        """Wait, then ask the broker once, unless another caller is doing so."""
        with self._lock:
            asks = not self._asking
            self._asking = True
            failures, polls, retry_after = self._failures, self._polls, self._retry_after
        if not asks:
            yield Wait(seconds=LOOK_SECONDS)
            return
        try:
            policy = self._api.policy
            pause = policy.backoff(failures) if failures else policy.poll_pause(polls)
            yield Wait(seconds=seconds_to_wait(pause, retry_after))
            yield from self._poll()
        finally:
            self._asking = False

    def check(self, waiting: Waiting) -> Steps[Image | None]:
        """Return the image if it is ready, None if the upload is being processed.

        Raises:
            As `image`.
        """
        if waiting.settled:
            image = yield from self._image_of(waiting)
            if image is not None:
                return image
            waiting.settled = False
        if self._api.clock() >= waiting.until:
            raise StillProcessing(waiting.upload_id)
        return None

    def _image_of(self, waiting: Waiting) -> Steps[Image | None]:
        found = waiting.found
        if isinstance(found, ClientError):
            raise found
        if found is not None and found.image is not None:
            return found.image
        if found is not None and found.state == "rejected" and found.reason is not None:
            raise rejected(found.reason)
        # Not in the answer: the image before release 0.4, and why the upload ended without one.
        answer = yield from confirm(self._api.about(waiting.owner), waiting.upload_id)
        return answer if isinstance(answer, Image) else None

    def _poll(self) -> Steps[None]:
        with self._lock:
            callers = [one for one in self._callers if not one.settled]
            self._polls += 1
        for owner, some in (yield from self._groups(callers)):
            found: Mapping[str, Upload] | ClientError
            try:
                found = yield from self._ask(some, owner)
            except ClientError as error:
                decision = self._api.policy.decide("poll", Failure.of(error))
                if decision is Decision.RETRY:
                    self._failures += 1
                    self._retry_after = getattr(error, "retry_after", None)
                    return
                found = error
            self._failures = 0
            for one in callers:
                if one.upload_id in some:
                    _settle(one, found)

    def _groups(self, callers: Sequence[Waiting]) -> Steps[list[tuple[Owner | None, list[str]]]]:
        """Return the ids that one request may ask for: at most MAX_IDS, and with one token."""
        groups: dict[str | Owner | None, tuple[Owner | None, dict[str, None]]] = {}
        for one in callers:
            group: str | Owner | None
            try:
                group = yield Token(owner=one.owner)
            except ClientError:
                group = one.owner  # the request fails in the same way
            groups.setdefault(group, (one.owner, {}))[1][one.upload_id] = None
        return [
            (owner, list(ids)[first : first + MAX_IDS])
            for owner, ids in groups.values()
            for first in range(0, len(ids), MAX_IDS)
        ]

    def _ask(self, ids: Sequence[str], owner: Owner | None) -> Steps[Mapping[str, Upload]]:
        once = self._once.about(owner)
        if not self._one_by_one:
            try:
                answer = yield from once.answer("GET", f"/api/uploads/?ids={','.join(ids)}")
                self._retry_after = answer.retry_after
                return {one["id"]: Upload.read(one) for one in answer.json()["uploads"]}
            except (KeyError, TypeError) as error:
                raise BrokerError("unexpected_answer", 200, "not the broker's answer") from error
            except BrokerError as error:
                decision = self._api.policy.decide("poll", Failure.of(error))
                if decision is not Decision.ONE_BY_ONE:
                    raise
                self._one_by_one = True
        found = {}
        for upload_id in ids:
            try:
                answer = yield from once.answer("GET", f"/api/uploads/{upload_id}/")
                self._retry_after = answer.retry_after
                found[upload_id] = Upload.read(answer.json())
            except NotFound:
                continue
        return found


def rejected(reason: str) -> UploadRejected:
    """Return the API's error for an upload that the broker has rejected."""
    error = UploadRejected("upload_rejected", 422, f"the file was rejected: {reason}")
    error.reason = reason
    return error


def _settle(waiting: Waiting, found: Mapping[str, Upload] | ClientError) -> None:
    if isinstance(found, ClientError):
        waiting.found, waiting.settled = found, True
        return
    upload = found.get(waiting.upload_id)
    if upload is None or upload.state != "processing":
        waiting.found, waiting.settled = upload, True
