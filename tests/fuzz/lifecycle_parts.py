"""Actions on multipart uploads: sign, send, list, complete, and lose parts in the bucket."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from broker.domain.part_plan import by_number
from broker.services.multipart.complete import complete
from broker.services.multipart.list_parts import list_parts
from broker.services.multipart.sign_parts import WantedPart, sign_parts
from tests.fuzz import model, model_parts
from tests.fuzz.buckets import InProcessBucket
from tests.fuzz.digests import sha256
from tests.fuzz.fake_bucket import end_of, query_of
from tests.fuzz.late_answers import completion
from tests.fuzz.machine import ALICE, BACK, BOB, WHO, Machine
from tests.fuzz.model import ANSWERED, DONE, LATER, PART, UNHEARD, ModelUpload

FULL = bytes(PART)
ALL: list[int] = []
CHANGES = ["other", "longer", "less"]
ANSWERS = st.sampled_from([ANSWERED, ANSWERED, ANSWERED, UNHEARD, DONE, LATER])
NUMBERS = st.sampled_from([ALL, ALL, ALL, [1], [2], [1, 2], [0], [3], [1, 1]])


@lru_cache(maxsize=16)
def changed(data: bytes, change: str) -> bytes:
    """Return the data, other data of the same length, or data of another length."""
    other = bytes(255 - byte for byte in data[:8]) + data[8:]
    return {"": data, "other": other, "longer": data + b"x", "less": data[1:]}[change]


def some_parts(machine: "Parts") -> bool:
    return any(upload.transport == "multipart" for upload in machine.recent)


def forgeable(machine: "Parts") -> bool:
    in_bucket = any(upload.in_bucket for upload in machine.recent)
    return in_bucket and isinstance(machine.bucket, InProcessBucket)


class Parts(Machine):
    """Actions on multipart uploads."""

    def in_parts(self, back: int) -> ModelUpload:
        found = [upload for upload in self.recent if upload.transport == "multipart"]
        return found[-1 - back % len(found)]

    def check_image(self, upload: ModelUpload, image: Any) -> None:
        """Check that an upload always has the same image."""
        if upload.state == "processing":
            assert image is None or image.id == upload.id
        elif image is not None:
            assert upload.image in (None, model.KEPT, image.id)
            upload.image = image.id

    @precondition(some_parts)
    @rule(back=BACK, numbers=NUMBERS, pins=st.sampled_from(["", "other", None]))
    def sign(self, back: int, numbers: list[int], pins: str | None) -> None:
        upload = self.in_parts(back)
        self.sign_by(upload, numbers or list(range(1, len(upload.data) + 1)), pins)

    def sign_by(self, upload: ModelUpload, numbers: list[int], pins: str | None) -> None:
        digests = {}
        if pins is not None:
            known = {number for number in numbers if 1 <= number <= len(upload.data)}
            digests = {number: changed(upload.data[number - 1], pins) for number in known}
        wanted = [
            WantedPart(
                part_number=number,
                checksum_sha256=sha256(digests[number]) if number in digests else None,
            )
            for number in numbers
        ]
        assert self.act(sign_parts, BOB, upload.id, wanted)[0] == "not_found"
        code, signed = self.act(sign_parts, ALICE, upload.id, wanted)
        assert code == model_parts.sign(upload, numbers, digests, self.now)
        urls = [(part.part_number, put) for part, put in signed.parts] if signed else []
        assert all(end_of(put) <= upload.expires_at for _, put in urls)
        upload.urls += urls

    @precondition(lambda self: any(upload.urls for upload in self.recent))
    @rule(
        back=BACK,
        which=st.sampled_from([None, None, 0, 1, 2, 3]),
        change=st.sampled_from(["", "", "", "other", "longer", "less"]),
    )
    def send_part(self, back: int, which: int | None, change: str) -> None:
        """Send one part, or the newest URL of each part."""
        sendable = [upload for upload in self.recent if upload.urls]
        upload = sendable[-1 - back % len(sendable)]
        urls = list(dict(upload.urls).items())
        self.send_parts(
            upload, urls if which is None else [upload.urls[which % len(upload.urls)]], change
        )

    def send_parts(self, upload: ModelUpload, urls: list[tuple[int, Any]], change: str) -> None:
        for number, put in urls:
            data = changed(upload.data[number - 1], change)
            alive = self.now < end_of(put)
            known = query_of(put)["uploadId"] in self.bucket.begun(upload.written)
            taken = self.bucket.send(put, data, self.now)
            assert taken == (alive and known and model_parts.takes(upload, number, data))
            if taken and upload.in_bucket:
                upload.arrived[number] = data

    @precondition(some_parts)
    @rule(back=BACK)
    def list(self, back: int) -> None:
        self.list_of(self.in_parts(back))

    def list_of(self, upload: ModelUpload) -> None:
        assert self.act(list_parts, BOB, upload.id)[0] == "not_found"
        code, progress = self.act(list_parts, ALICE, upload.id)
        found = code or ([part.part_number for part in progress.parts], progress.missing)
        assert found == model_parts.lists(upload, self.now)

    @precondition(some_parts)
    @rule(back=BACK, times=st.integers(1, 2), who=WHO, answer=ANSWERS)
    def complete(self, back: int, times: int, who: Any, answer: str) -> None:
        upload = self.in_parts(back)
        for _ in range(times):
            self.complete_by(upload, who, answer)

    def complete_by(self, upload: ModelUpload, who: Any, answer: str) -> None:
        assert self.act(complete, BOB, upload.id)[0] == "not_found"
        with completion(self.bucket, answer):
            code, image = self.act(complete, who, upload.id)
        assert code == model_parts.complete(upload, self.now, answer)
        self.check_image(upload, image)

    @precondition(lambda self: any(upload.coming for upload in self.recent))
    @rule(back=BACK)
    def appear(self, back: int) -> None:
        """Finish a late completion in the bucket."""
        coming = [upload for upload in self.recent if upload.coming]
        if not coming:
            return  # in a script no completion may be running
        self.appear_of(coming[-1 - back % len(coming)])

    def appear_of(self, upload: ModelUpload) -> None:
        self.bucket.hidden.discard(upload.written)
        upload.arrive("whole")

    @precondition(forgeable)
    @rule(back=BACK, number=st.integers(1, 2))
    def forge_part(self, back: int, number: int) -> None:
        """Send a part of another length directly, as an attacker with credentials."""
        held = [upload for upload in self.recent if upload.in_bucket]
        upload = held[-1 - back % len(held)]
        if upload.state == "pending" and number <= len(upload.data):
            data = changed(upload.data[number - 1], "less")
            self.bucket.forge_part(upload.written, number, data, upload.parts_pinned)
            upload.arrived[number] = data

    @precondition(lambda self: any(upload.in_bucket for upload in self.recent))
    @rule(back=BACK, lost=st.booleans(), asked=st.sampled_from(["", "list", "complete"]))
    def let_go(self, back: int, lost: bool, asked: str) -> None:
        """Lose the parts, because of the lifecycle rule, or a completion whose answer was lost."""
        held = [upload for upload in self.recent if upload.in_bucket]
        upload = held[-1 - back % len(held)]
        if upload.state != "pending":
            return
        multipart = self.bucket.storage.multipart
        for multipart_id in self.bucket.begun(upload.written):
            if lost:
                multipart.abort(upload.written, multipart_id)
                upload.in_bucket, upload.arrived = False, {}
            elif not model_parts.missing(upload):
                found = by_number(multipart.list_parts(upload.written, multipart_id))
                pins = {number: sha256(data) for number, data in upload.digests.items()}
                # SeaweedFS lists parts without their digests, but requires the digests here.
                parts = [
                    replace(found[number], checksum_sha256=pins.get(number))
                    for number in sorted(found)
                ]
                multipart.complete(upload.written, multipart_id, parts)
                model_parts.together(upload)
        if asked == "list":
            self.list_of(upload)
        elif asked == "complete":
            self.complete_by(upload, ALICE, ANSWERED)
