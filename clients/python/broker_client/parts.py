"""Send a large file in parts: only the parts that the bucket does not have, a few at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from broker_client.api import Api
from broker_client.bodies import Body
from broker_client.errors import BrokerError, ClientError, NetworkError, ValidationFailed
from broker_client.files import Meter
from broker_client.models import Image, Upload
from broker_client.retry_policy import Decision, Failure, wait_before_retry
from broker_client.s3_errors import error_of, report_failure, s3_failure
from broker_client.source import Source
from broker_client.steps import Request, Steps, ask, run, together
from broker_client.tickets import renew
from broker_client.whole import until_recorded

PARTS_AT_ONCE = 4
Signed = dict[str, Any]


@dataclass(kw_only=True)
class Multipart:
    """One upload's parts.

    `pinned`: whether parts are declared with digests. This is the same for all parts of an upload.
    """

    api: Api
    upload_id: str
    source: Source
    meter: Meter
    pinned: bool = True

    @property
    def path(self) -> str:
        """Return the upload's path in the API."""
        return f"/api/uploads/{self.upload_id}"

    def send(self) -> Steps[Image | Upload]:
        """Send the missing parts and complete the upload, in a limited number of rounds.

        If S3 lost a part, or the whole multipart upload, the next round detects this.

        Raises:
            S3Refused, NetworkError, FileChanged, and BrokerErrors such as UploadGone.
        """
        pauses = self.api.policy.pauses()
        counted: dict[int, int] = {}  # the bytes of each part that has arrived, as far as known
        while True:
            error = yield from self._round(counted)
            if error is None:
                try:
                    path = f"{self.path}/complete/"
                    return (yield from until_recorded(self.api, "complete", path))
                except BrokerError as refused:
                    decision = self.api.policy.decide("complete", Failure.of(refused))
                    if decision is not Decision.NEXT_ROUND:
                        raise
                    error = refused
            if not (yield from wait_before_retry(pauses, error.retry_after)):
                raise error

    def _round(self, counted: dict[int, int]) -> Steps[BrokerError | None]:
        """Send every missing part. Return an error if another round may succeed."""
        try:
            progress = yield from self.api.call("GET", f"{self.path}/parts/")
        except BrokerError as error:
            if self.api.policy.decide("parts", Failure.of(error)) is Decision.CONFIRM:
                return None
            raise
        for part in progress["parts"]:
            if part["part_number"] not in counted:
                counted[part["part_number"]] = part["size"]
                self.meter.count(part["size"])
        missing: Sequence[int] = progress["missing"]
        for number in missing:
            self.meter.count(-counted.pop(number, 0))  # S3 has lost it
        lost = []
        for first in range(0, len(missing), PARTS_AT_ONCE):
            numbers = missing[first : first + PARTS_AT_ONCE]
            signed = yield from self._sign(numbers, progress["part_size"])
            steps = [self._send(part, progress["part_size"]) for part in signed]
            arrived = yield from together(steps, PARTS_AT_ONCE)
            for part, there in zip(signed, arrived, strict=True):
                if there:
                    counted[part["part_number"]] = part["size"]
                else:
                    lost.append(part["part_number"])
        if lost:
            detail = f"S3 does not know the upload of parts {lost}"
            return BrokerError("parts_missing", 409, detail)
        return None

    def _sign(self, numbers: Sequence[int], part_size: int) -> Steps[list[Signed]]:
        wanted: list[dict[str, Any]] = [{"part_number": number} for number in numbers]
        for part in wanted if self.pinned else ():
            start = (part["part_number"] - 1) * part_size
            size = min(part_size, self.source.size - start)
            part["checksum_sha256"] = yield from run(partial(self.source.checksum_of, start, size))
        try:
            body = yield from self.api.call("POST", f"{self.path}/parts/", {"parts": wanted})
        except ValidationFailed as error:
            # A list: another device started the upload without digests. An error in a single part
            # is an object with the part's index.
            if not self.pinned or not isinstance(error.errors.get("parts"), list):
                raise
            self.pinned = False
            return (yield from self._sign(numbers, part_size))
        signed: list[Signed] = body["parts"]
        return signed

    def _send(self, part: Signed, part_size: int) -> Steps[bool]:
        """Send one part. Return False if S3 does not know the multipart upload."""
        number, pauses = part["part_number"], self.api.policy.pauses()
        while True:
            start = (number - 1) * part_size
            body = Body(self.source, start, part["size"], count=self.meter.count)
            last: ClientError
            retry_after = None
            try:
                answer = yield from ask(
                    Request(method="PUT", url=part["url"], headers=part["headers"], body=body)
                )
            except NetworkError as error:
                last, decision = error, self.api.policy.decide("part", Failure.of(error))
            else:
                decision = self.api.policy.decide("part", s3_failure(answer))
                if decision is Decision.CONFIRM:
                    return True
                last, retry_after = error_of(answer), answer.retry_after
            body.take_back()
            if decision is Decision.NEXT_ROUND:
                return False
            if decision is Decision.RENEW:
                (part,) = yield from self._sign([number], part_size)
            elif decision is Decision.REPORT:
                decision = yield from report_failure(self.api, self.upload_id, answer)
                if decision is Decision.CONFIRM:
                    return True
                if decision is Decision.RENEW:
                    yield from renew(self.api, self.upload_id)
                    (part,) = yield from self._sign([number], part_size)
            if not (yield from wait_before_retry(pauses, retry_after)):
                raise last
