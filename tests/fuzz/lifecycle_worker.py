"""Actions of workers: process an upload while something happens to it, its owner or the worker."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select, update

from broker.db.models import Ad, Upload
from broker.domain.rejections import RejectionReason
from broker.services.marketplace.users import get_own_user
from broker.services.processing import publish
from broker.services.processing.lease import AttemptInterrupted, LeaseLost, give_back
from broker.services.processing.process import process_next
from tests.fuzz import model_worker
from tests.fuzz.kinds import FORM, LOOSE, PARTS, Kind
from tests.fuzz.machine import ALICE, BOB, Machine
from tests.fuzz.model import ANSWERED, ModelUpload, replacement
from tests.fuzz.model_worker import DATABASE, KILLED, ModelAttempt

if TYPE_CHECKING:
    pass

from tests.fuzz.interrupted_worker import (
    ACCEPTS,
    CANCEL,
    CONFIRM,
    DELETE,
    FIRST,
    GIVE,
    HAPPENINGS,
    LATE,
    NOTHING,
    REAPED,
    REJECTS,
    REPLACE,
    SECOND,
    TAKEN,
    Killed,
    Worker,
)

MOMENT = st.integers(0, 7)
HAPPENING = st.sampled_from([NOTHING, NOTHING, *HAPPENINGS])


class Workers(Machine):
    """Actions of workers."""

    @rule()
    def switch_inspection(self) -> None:
        """Change BROKER_INSPECTION, as an operator does while uploads are running."""
        self.inspect(not self.limits.inspects)

    def inspect(self, inspects: bool) -> None:
        declared = tuple(replace(one, is_inspected=inspects) for one in self.limits.declared)
        inspection = "required" if inspects else "off"
        self.limits = replace(self.limits, inspection=inspection, declared=declared)
        self.world.inspects = inspects

    @precondition(lambda self: self.due())
    @rule(
        at=MOMENT,
        happening=HAPPENING,
        verdict=st.sampled_from([ACCEPTS, ACCEPTS, ACCEPTS, REJECTS]),
    )
    def work(
        self, at: int = 0, happening: str = NOTHING, verdict: RejectionReason | None = ACCEPTS
    ) -> None:
        """Process the upload that has been due for longest, if one is due."""
        with TemporaryDirectory() as directory:
            worker = Worker(self, at, happening, verdict, Path(directory))  # type: ignore[arg-type]
            outcome = self.outcome_of(worker)
        if worker.wrong is not None:
            raise worker.wrong
        if outcome is None:
            assert not self.due()
            return
        if worker.attempt is None:
            worker.attempt = ModelAttempt(self.exhausted(), self.now)
        assert outcome == worker.attempt.finish(self.now)
        if outcome == DATABASE:
            self.return_interrupted(worker)
        self.give_to(worker.attempt.upload, given=False)
        self.learn_ids_of_images()

    @rule(kind=st.sampled_from([FORM, LOOSE, PARTS]), at=MOMENT, happening=HAPPENING)
    def process(self, kind: Kind, at: int, happening: str) -> None:
        """Do all steps of a correct client, and process the upload at once."""
        self.inspect(True)
        self.issue(0, [kind], ALICE, True)
        self.deliver(0, None, True)
        self.work(at, happening)

    def outcome_of(self, worker: Worker) -> str | None:
        with patch.object(publish, "announce", worker.announce):
            try:
                return process_next(worker, worker)  # type: ignore[arg-type]
            except Killed:
                return KILLED
            except AttemptInterrupted as interrupted:
                self.interrupted = interrupted.lease
                return DATABASE

    def return_interrupted(self, worker: Worker) -> None:
        """Return the lease, as a worker does when the database answers again."""
        assert worker.attempt is not None
        try:
            with worker.system_work() as work:
                give_back(work, self.interrupted, wait=timedelta(), now=self.now)
            outcome = "given_back"
        except LeaseLost:
            outcome = "lost"
        assert outcome == worker.attempt.give_back(self.now, timedelta())

    def due(self) -> list[ModelUpload]:
        uploads = [upload for owner in self.owners for upload in owner.uploads]
        return [one for one in uploads if one.state == "processing" and one.due <= self.now]

    def exhausted(self) -> ModelUpload:
        """Return the upload that was rejected without being read."""
        with self.database.session() as session:
            rejected = set(session.scalars(select(Upload.id).where(Upload.state == "rejected")))
            session.commit()
        (found,) = [upload for upload in self.due() if upload.id in rejected]
        return found

    def happen(self, happening: str, upload: ModelUpload) -> None:
        if happening == CANCEL:
            self.cancel_of(upload)
        elif happening == DELETE and upload.owner is not self.alice:
            self.delete_ad_of(upload.owner)
        elif happening == GIVE:
            self.give_to(upload, given=True)
        elif happening == REPLACE and upload.object is not None:
            self.replace(upload)
        elif happening == CONFIRM:
            self.confirm_by(upload, ALICE, ANSWERED)
        elif happening in (LATE, SECOND, TAKEN):
            self.now += model_worker.LEASE + timedelta(seconds=1)
            if happening == SECOND:
                self.work()
            elif happening == TAKEN:
                self.work(FIRST + 1, KILLED)
        elif happening == REAPED:
            self.now += model_worker.ANNOUNCED + timedelta(minutes=1)
            self.reap()

    def replace(self, upload: ModelUpload) -> None:
        """Write other bytes of the same length, as an attacker with credentials does."""
        assert upload.object is not None
        how, data = upload.object
        upload.object = (how, replacement(data, 0))
        self.bucket.forge(
            upload.written,
            upload.object[1],
            content_type="image/jpeg",
            upload_id=str(upload.id),
            digest=True,
        )

    def give_to(self, upload: ModelUpload, *, given: bool) -> None:
        """Move an ad to Bob, or back to Alice."""
        owner = upload.owner
        if owner is self.alice or owner.deleted or owner.given == given:
            return
        owner.given = given
        whose = (BOB if given else ALICE).user_id
        self.act(get_own_user, BOB)  # which creates him
        with self.database.session() as session:
            session.execute(update(Ad).where(Ad.id == owner.id).values(owner_id=whose))
            session.commit()

    def work_off(self) -> None:
        """Process every upload that is due."""
        while self.due():
            self.work()
