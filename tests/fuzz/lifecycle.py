"""Histories of uploads: all actions in any order, as time passes, compared with the model.

This module has tickets and everything that happens to them. Owners are in `lifecycle_owners.py`,
parts in `lifecycle_parts.py`.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.principal import SYSTEM
from broker.services.background.bucket_notifications import handle_bucket_notification
from broker.services.background.reap import reap_once
from broker.services.confirm.confirm import confirm
from broker.services.tickets.cancel import cancel
from broker.services.tickets.issue import FileRequest, issue
from broker.services.tickets.renew import renew
from tests.fuzz import model, model_issue, model_reap
from tests.fuzz.digests import sha256
from tests.fuzz.fake_bucket import end_of
from tests.fuzz.kinds import FORM, LOOSE, LOOSE_PUT, OPEN, PART, PARTS, PUT, Kind
from tests.fuzz.late_answers import CopyAnswers, RefusedDeletions
from tests.fuzz.lifecycle_owners import Owners
from tests.fuzz.lifecycle_parts import CHANGES, FULL, Parts, changed
from tests.fuzz.lifecycle_worker import Workers
from tests.fuzz.machine import ALICE, BACK, BACKEND, BOB, FORBIDDEN, WHO
from tests.fuzz.model import ANSWERED, CHURNED, DONE, REPLACED, UNHEARD, ModelOwner, ModelUpload

# Before and after the end of a form, a URL, the grace period, all signatures, a quota window.
PASSING = [timedelta(seconds=seconds) for seconds in (1, 60, 299, 301, 601, 901, 1201, 2701, 7200)]
KINDS = st.sampled_from([FORM, LOOSE, OPEN, PUT, LOOSE_PUT, PART, PARTS])
CONTENT_TYPE = "image/jpeg"
# The part of a forged object that differs: its bytes or its metadata.
FORGED = [*CHANGES, "type", "id", "digest"]
COPIES = st.sampled_from([ANSWERED, ANSWERED, ANSWERED, UNHEARD, DONE, REPLACED, CHURNED])
BATCHES = st.lists(KINDS, min_size=1, max_size=3)


class Lifecycle(Owners, Parts, Workers):
    """A history with all actions."""

    @initialize(inspects=st.booleans())
    def begin(self, inspects: bool) -> None:
        self.empty()
        self.inspect(inspects)
        self.create_ad()
        self.issue(0, [FORM, OPEN], ALICE, True)
        for back in range(2 * inspects):
            self.deliver(back, None, True)

    @rule(back=BACK, kinds=BATCHES, who=WHO, alone=st.booleans())
    def issue(self, back: int, kinds: list[Kind], who: Any, alone: bool) -> None:
        self.issue_for(self.all_ads[-1 - back % len(self.all_ads)], kinds, who, alone)

    @rule(kinds=BATCHES, who=WHO, alone=st.booleans())
    def issue_avatar(self, kinds: list[Kind], who: Any, alone: bool) -> None:
        self.issue_for(self.alice, kinds, who, alone)

    def issue_for(self, owner: ModelOwner, kinds: list[Kind], who: Any, alone: bool) -> None:
        number = len(self.recent)
        photos = [f"photo {number + at}".encode() for at in range(len(kinds))]
        parts = [[FULL, one][-kind[3] :] for one, kind in zip(photos, kinds, strict=True)]
        files = [declared(data, kind) for data, kind in zip(parts, kinds, strict=True)]
        whose = (self.limits.profiles.of_kind(owner.kind), owner.name or str(owner.id))
        kept = {} if alone else {"answer": self.kept_answer(who)}
        code, tickets = self.act(issue, who, *whose, files, **kept)
        sizes = [file.size or model.MOST[owner.kind] for file in files]
        backend = who is BACKEND
        assert code == model_issue.issue(
            owner,
            sizes,
            self.now,
            others=self.owners,
            backend=backend,
            end_stale=model_reap.end_stale,
        )
        self.learn_ids_of_images()
        assert self.act(issue, BOB, *whose, files)[0] in FORBIDDEN
        made = [
            ModelUpload(
                id=ticket.upload.id,
                owner=owner,
                key=ticket.upload.key,
                transport=kind[0],
                data=data,
                pinned=kind[1],
                open=kind[2],
                size=size,
                expires_at=self.now + model.LIFE[kind[0]],
                window=None if backend else self.world.quota.begun,
                forms=[] if kind[0] == "multipart" else [ticket.transfer],
            )
            for ticket, data, kind, size in zip(
                tickets or [], parts, kinds, sizes, strict=bool(tickets)
            )
        ]
        owner.uploads += made
        self.world.uploads |= {upload.written: upload for upload in made}
        self.recent += made
        for upload in made:
            self.ends_with_its_ticket(upload)

    def ends_with_its_ticket(self, upload: ModelUpload) -> None:
        """Check that the newest form expires together with its upload."""
        assert upload.forms == [] or end_of(upload.forms[-1]) == upload.expires_at

    @precondition(lambda self: any(upload.forms for upload in self.recent))
    @rule(
        back=BACK,
        form=st.integers(0, 5),
        change=st.sampled_from(["", "other", "longer", "less"]),
        times=st.integers(1, 2),
    )
    def send(self, back: int, form: int, change: str, times: int) -> None:
        """Send a form or a PUT. S3 refuses a PUT if the object exists."""
        sendable = [upload for upload in self.recent if upload.forms]
        upload = sendable[-1 - back % len(sendable)]
        for _ in range(times):
            self.send_by(upload, upload.forms[form % len(upload.forms)], change)

    def send_by(self, upload: ModelUpload, form: Any, change: str) -> None:
        data = changed(upload.data[0], change)
        alive = self.now < end_of(form)
        free = upload.transport == "post" or upload.written not in self.bucket.objects()
        taken = self.bucket.send(form, data, self.now)
        assert taken == (alive and free and upload.takes(data))
        if taken:
            upload.object = ("sent", data)

    @precondition(lambda self: self.recent)
    @rule(back=BACK, pins=st.sampled_from(["", None]), confirmed=st.booleans())
    def deliver(self, back: int, pins: str | None, confirmed: bool) -> None:
        """Do all steps of a correct client, at any time."""
        upload = self.upload(back)
        if upload.forms:
            self.send_by(upload, upload.forms[-1], "")
        else:
            self.sign_by(upload, list(range(1, len(upload.data) + 1)), pins)
            self.send_parts(upload, list(dict(upload.urls).items()), "")
        if confirmed and upload.forms:
            self.confirm_by(upload, ALICE, ANSWERED)
        elif confirmed:
            self.complete_by(upload, ALICE, ANSWERED)

    @precondition(lambda self: self.recent)
    @rule(back=BACK, wrong=st.sampled_from(FORGED))
    def forge(self, back: int, wrong: str) -> None:
        """Write to an upload's key as an attacker with credentials does. One property differs."""
        upload = self.upload(back)
        in_parts = upload.transport == "multipart"
        parts_to_come = in_parts and (upload.in_bucket or not upload.begun)
        if upload.state == "pending" and parts_to_come and wrong in ("other", "digest"):
            return  # such an object would be accepted, and its parts would stay in the bucket
        data = changed(b"".join(upload.data), wrong if wrong in CHANGES else "")
        self.bucket.forge(
            upload.written,
            data,
            content_type="text/html" if wrong == "type" else CONTENT_TYPE,
            upload_id="" if wrong == "id" else str(upload.id),
            digest=wrong != "digest",
        )
        self.bucket.hidden.discard(upload.written)
        # Without BROKER_REQUIRE_CHECKSUM, an object without a digest is accepted unverified.
        good = wrong == "digest" or (wrong in CHANGES and upload.accepts(data))
        upload.object, upload.coming = ("sent" if good else "forged", data), False

    @precondition(lambda self: any(not upload.unfinished for upload in self.recent))
    @rule(back=BACK)
    def arrive_late(self, back: int) -> None:
        """Finish a request that began in time, after its upload has ended."""
        ended = [upload for upload in self.recent if not upload.unfinished]
        if not ended:
            return  # in a script the upload may be unfinished
        upload = ended[-1 - back % len(ended)]
        self.bucket.forge(
            upload.written,
            b"".join(upload.data),
            content_type=CONTENT_TYPE,
            upload_id=str(upload.id),
            digest=upload.pinned,
        )
        self.bucket.hidden.discard(upload.written)
        upload.arrive("sent")

    @precondition(lambda self: self.recent)
    @rule(back=BACK, times=st.integers(1, 2), who=WHO, answer=COPIES)
    def confirm(self, back: int, times: int, who: Any, answer: str) -> None:
        upload = self.upload(back)
        for _ in range(times):
            self.confirm_by(upload, who, answer)

    def confirm_by(self, upload: ModelUpload, who: Any, answer: str) -> None:
        base = upload.object[1] if upload.object else b""

        def replace(look: int) -> None:
            self.bucket.forge(
                upload.written,
                model.replacement(base, look),
                content_type=CONTENT_TYPE,
                upload_id=str(upload.id),
                digest=True,
            )

        storage = CopyAnswers(self.bucket.storage, answer, replace)
        assert self.act(confirm, BOB, upload.id, storage=storage)[0] == "not_found"
        code, image = self.act(confirm, who, upload.id, storage=storage)
        assert code == model.confirm(upload, self.now, answer)
        self.check_image(upload, image)

    @precondition(lambda self: self.recent)
    @rule(back=BACK)
    def cancel(self, back: int) -> None:
        self.cancel_of(self.upload(back))

    def cancel_of(self, upload: ModelUpload) -> None:
        assert self.act(cancel, BOB, upload.id)[0] == "not_found"
        assert self.act(cancel, ALICE, upload.id)[0] == model.cancel(upload, self.now)

    @precondition(lambda self: self.recent)
    @rule(back=BACK)
    def renew(self, back: int) -> None:
        upload = self.upload(back)
        assert self.act(renew, BOB, upload.id)[0] == "not_found"
        code, ticket = self.act(renew, ALICE, upload.id)
        assert code == model.renew(upload, self.now)
        if ticket is not None:
            assert ticket.upload.key == upload.key
            upload.forms += [ticket.transfer] if upload.forms else []
            self.ends_with_its_ticket(upload)

    @rule(refuses=st.sampled_from([False, False, False, True]))
    def reap(self, refuses: bool = False) -> None:
        """Run the reaper, also while the bucket refuses to delete."""
        storage = RefusedDeletions(self.bucket.storage) if refuses else None
        self.world.refuses = refuses
        _, reaped = self.act(reap_once, SYSTEM, storage=storage)
        assert asdict(reaped) == model_reap.reap(self.owners, self.now)
        self.world.refuses = False
        self.learn_ids_of_images()

    @precondition(lambda self: self.recent)
    @rule(back=BACK, refuses=st.sampled_from([False, False, True]))
    def notify(self, back: int, refuses: bool) -> None:
        """Deliver a notification of the object, which may have come before or never happened."""
        upload = self.upload(back)
        storage = RefusedDeletions(self.bucket.storage) if refuses else None
        self.world.refuses = refuses
        event = ObjectCreated(bucket=self.bucket.storage.buckets.media, key=upload.written)
        _, outcome = self.act(handle_bucket_notification, SYSTEM, event, storage=storage)
        assert outcome == model_reap.notify(upload, self.now)
        self.world.refuses = False
        self.learn_ids_of_images()

    @rule(passing=st.sampled_from(PASSING))
    def pass_time(self, passing: timedelta) -> None:
        self.now += passing

    def teardown(self) -> None:
        """Check that nothing is left when all forms have expired and the reaper has run."""
        if not hasattr(self, "now"):
            return
        for upload in [upload for upload in self.recent if upload.coming]:
            self.appear_of(upload)
        for _ in range(3):
            self.now += timedelta(days=3)
            self.reap()
            self.work_off()
            if not self.world.rows and not any(upload.unfinished for upload in self.recent):
                break
        self.compare(at_rest=True)


def declared(data: list[bytes], kind: Kind) -> FileRequest:
    transport, pinned, is_open, _ = kind
    return FileRequest(
        file_name="main.jpg",
        content_type=CONTENT_TYPE,
        size=None if is_open else sum(map(len, data)),
        checksum_sha256=sha256(b"".join(data)) if pinned else None,
        transport=transport,
    )
