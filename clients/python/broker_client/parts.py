"""Send a large file in parts: only those that the bucket does not hold, a few at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from broker_client.bodies import Body
from broker_client.calls import Rules, paused
from broker_client.errors import BrokerError, NetworkError, ValidationFailed
from broker_client.files import Meter
from broker_client.models import Image
from broker_client.s3_errors import ARRIVED, advice, is_expired, may_pass, refusal
from broker_client.source import Source
from broker_client.steps import Request, Steps, ask, run, together
from broker_client.tickets import renew
from broker_client.whole import until_there

AT_ONCE = 4
Signed = dict[str, Any]


@dataclass(kw_only=True)
class Multipart:
    """One upload's parts; `pinned` as long as nobody has begun it without digests of them."""

    rules: Rules
    upload_id: str
    source: Source
    meter: Meter
    pinned: bool = True

    @property
    def path(self) -> str:
        """Give the upload's place in the API."""
        return f"/api/uploads/{self.upload_id}"

    def send(self) -> Steps[Image]:
        """Send what is missing and complete, in bounded rounds.

        A part that S3 has dropped, with the whole upload or alone, shows as missing in the next
        round.

        Raises:
            S3Refused, NetworkError, FileChanged, and BrokerErrors such as UploadGone.
        """
        pauses = self.rules.pauses()
        counted: set[int] = set()
        while True:
            error = yield from self._round(counted)
            if error is None:
                try:
                    return (yield from until_there(self.rules, f"{self.path}/complete/"))
                except BrokerError as refused:
                    if refused.code != "parts_missing":
                        raise
                    error = refused
            if not (yield from paused(pauses, error.retry_after)):
                raise error

    def _round(self, counted: set[int]) -> Steps[BrokerError | None]:
        """Send every missing part; gives an error that another round may mend."""
        try:
            progress = yield from self.rules.call("GET", f"{self.path}/parts/")
        except BrokerError as error:
            # Settled: complete answers with its image. Missing: S3 is putting it together.
            if error.code in ("upload_settled", "object_missing"):
                return None
            raise
        for part in progress["parts"]:
            if part["part_number"] not in counted:
                counted.add(part["part_number"])
                self.meter.count(part["size"])
        missing: Sequence[int] = progress["missing"]
        lost = []
        for first in range(0, len(missing), AT_ONCE):
            numbers = missing[first : first + AT_ONCE]
            signed = yield from self._sign(numbers, progress["part_size"])
            steps = [self._send(part, progress["part_size"]) for part in signed]
            arrived = yield from together(steps, AT_ONCE)
            counted.update(n for n, there in zip(numbers, arrived, strict=True) if there)
            lost += [n for n, there in zip(numbers, arrived, strict=True) if not there]
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
            body = yield from self.rules.call("POST", f"{self.path}/parts/", {"parts": wanted})
        except ValidationFailed as error:
            # All parts have digests, or none: another device began it with none. A fault of
            # a single part stands under its index.
            if not self.pinned or not isinstance(error.errors.get("parts"), list):
                raise
            self.pinned = False
            return (yield from self._sign(numbers, part_size))
        signed: list[Signed] = body["parts"]
        return signed

    def _send(self, part: Signed, part_size: int) -> Steps[bool]:
        """PUT one part; False where S3 says NoSuchUpload, which the next round will explain."""
        number, pauses = part["part_number"], self.rules.pauses()
        while True:
            start = (number - 1) * part_size
            body = Body(self.source, start, part["size"], count=self.meter.count)
            try:
                answer = yield from ask(
                    Request(method="PUT", url=part["url"], headers=part["headers"], body=body)
                )
            except NetworkError:
                body.take_back()
                if not (yield from paused(pauses)):
                    raise
                continue
            if answer.status in ARRIVED:
                return True
            body.take_back()
            if answer.status == 404:
                return False
            last = refusal(answer, "retry")
            if is_expired(answer):
                (part,) = yield from self._sign([number], part_size)
            elif not may_pass(answer):
                action = yield from advice(self.rules, self.upload_id, answer)
                if action == "confirm":
                    return True
                if action == "renew":
                    yield from renew(self.rules, self.upload_id)
                    (part,) = yield from self._sign([number], part_size)
            if not (yield from paused(pauses, answer.retry_after)):
                raise last
