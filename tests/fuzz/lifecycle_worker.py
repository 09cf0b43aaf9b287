"""Actions of workers: process an upload while something happens to it, its owner or the worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select, update

from broker.db.models import Ad, Upload
from broker.domain.errors import DatabaseUnavailable
from broker.domain.object_keys import object_key
from broker.domain.principal import SYSTEM
from broker.domain.rejections import RejectionReason
from broker.domain.storage_errors import StorageUnavailable
from broker.inspection.inspected import Inspected, OutputFile, Rejected, Request
from broker.services.marketplace.users import get_own_user
from broker.services.processing import publish
from broker.services.processing.lease import AttemptInterrupted, LeaseLost, give_back
from broker.services.processing.process import process_next
from broker.services.work import Work
from tests.fuzz import model_worker
from tests.fuzz.digests import sha256
from tests.fuzz.kinds import FORM, LOOSE, PARTS, Kind
from tests.fuzz.machine import ALICE, BOB, Machine
from tests.fuzz.model import ANSWERED, ModelUpload, replacement
from tests.fuzz.model_worker import CRASH, DATABASE, KILLED, STOP, STORAGE, ModelAttempt

if TYPE_CHECKING:
    from tests.fuzz.lifecycle import Lifecycle

# Before the download, during the inspection, then before and after each file that is sent.
DOWNLOADS, INSPECTS, FIRST = 0, 1, 2
MOMENT = st.integers(0, 7)
NOTHING, CANCEL, DELETE, GIVE, REPLACE = "", "cancel", "delete", "give", "replace"
CONFIRM, LATE, SECOND, REAPED = "confirm", "late", "second", "reaped"
HAPPENINGS = [
    *(CANCEL, DELETE, GIVE, REPLACE, CONFIRM, LATE, SECOND, REAPED),
    *(STORAGE, STOP, CRASH, DATABASE, KILLED),
]
HAPPENING = st.sampled_from([NOTHING, NOTHING, *HAPPENINGS])
ACCEPTS, REJECTS = None, RejectionReason.CORRUPT


class Killed(BaseException):
    """Ends an attempt without any further step, as `kill -9` does."""


RAISED: dict[str, BaseException] = {
    STORAGE: StorageUnavailable("The bucket does not answer."),
    CRASH: RuntimeError("The child crashed."),
    DATABASE: DatabaseUnavailable("The database does not answer."),
    KILLED: Killed(),
}


@dataclass
class Worker:
    """A worker, as `Broker` and as `Tools`. `attempt` is the model of what it does now."""

    machine: "Lifecycle"
    at: int
    happening: str
    verdict: RejectionReason | None
    directory: Path
    attempt: ModelAttempt | None = None
    moment: int = 0
    stopping: bool = False

    @property
    def files(self) -> "Worker":
        return self

    @property
    def now(self) -> datetime:
        return self.machine.now

    def __getattr__(self, name: str) -> Any:
        return getattr(self.machine, name)  # limits, database

    @contextmanager
    def system_work(self) -> Iterator[Work]:
        with self.machine.database.session() as session:
            yield Work(
                session=session,
                storage=self.machine.bucket.storage,
                limits=self.machine.limits,
                principal=SYSTEM,
                now=self.machine.now,
            )

    def beat(self) -> None:
        """Do nothing: no history needs heartbeats."""

    def self_test(self) -> None:
        """Return None: the worker can inspect."""

    def is_stopping(self) -> bool:
        return self.stopping

    def download(self, key: str, target: Path, **given: Any) -> Any:
        if self.attempt is None:
            self.attempt = ModelAttempt(self.machine.world.uploads[key], self.now)
            self.pass_moment()
            self.attempt.read()
        return self.machine.bucket.files.download(key, target, **given)

    def inspect(self, request: Request, *, keep: Any) -> Inspected:
        assert self.attempt is not None
        assert self.attempt.failure is None
        self.pass_moment()
        keep()
        if self.verdict is not None:
            self.attempt.failure = self.verdict
            raise Rejected(self.verdict)
        about = f"{self.attempt.number} of {self.attempt.upload.id}"
        return Inspected(
            image=output(request, f"image {about}", request.content_type, 1200),
            thumbhash="",
            variants=tuple(
                output(request, f"w{width} {about}", "image/webp", width)
                for width in request.variant_widths
            ),
        )

    def announce(self, inner: Any, session: Any, limits: Any, files: Any, *, now: datetime) -> None:
        assert self.attempt is not None
        inner(session, limits, files, now=now)
        self.attempt.announce([object_key(limits.location, each.key) for each in files], self.now)

    def upload(self, file: Any, key: str, **given: Any) -> str:
        assert self.attempt is not None
        self.pass_moment()
        etag: str = self.machine.bucket.files.upload(file, key, **given)
        self.attempt.sent(key, given["size"])
        self.pass_moment()
        return etag

    def pass_moment(self) -> None:
        """Let something happen if this is the moment, and compare everything."""
        assert self.attempt is not None
        self.moment += 1
        if self.moment - 1 != self.at:
            return
        self.machine.happen(self.happening, self.attempt.upload)
        if self.happening in RAISED:
            self.attempt.failure = self.happening
        elif self.happening == STOP:
            self.stopping = True
            # When the inspection has ended, the attempt is finished.
            self.attempt.failure = STOP if self.at <= INSPECTS else None
        self.machine.rows_and_objects_agree()
        self.machine.rows_are_as_the_model_says()
        if self.happening in RAISED:
            raise RAISED[self.happening]


def output(request: Request, text: str, content_type: str, width: int) -> OutputFile:
    path = request.directory / text
    path.write_text(text)
    return OutputFile(
        path=path,
        content_type=content_type,
        width=width,
        height=width,
        size=len(text),
        checksum_sha256=sha256(text.encode()),
    )


class Workers(Machine):
    """Actions of workers."""

    @rule()
    def switch_inspection(self) -> None:
        """Change BROKER_INSPECTION, as an operator does while uploads are running."""
        self.inspect(not self.limits.inspects)

    def inspect(self, inspects: bool) -> None:
        self.limits = replace(self.limits, inspection="required" if inspects else "off")
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
        announce = publish.announce

        def announced(*args: Any, **kwargs: Any) -> None:
            worker.announce(announce, *args, **kwargs)

        with patch.object(publish, "announce", announced):
            try:
                return process_next(worker, worker)  # type: ignore[arg-type]
            except Killed:
                return KILLED
            except AttemptInterrupted as interrupted:
                self.interrupted = interrupted.lease
                return DATABASE

    def return_interrupted(self, worker: Worker) -> None:
        """Give the lease back, as a worker does when the database answers again."""
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
        elif happening in (LATE, SECOND):
            self.now += model_worker.LEASE + timedelta(seconds=1)
            if happening == SECOND:
                self.work()
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
        """Give an ad to Bob, or back to Alice."""
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
