"""A worker whose attempt is interrupted at one moment, and compared with its model at each step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.domain.errors import DatabaseUnavailable
from broker.domain.object_keys import published_key
from broker.domain.principal import SYSTEM
from broker.domain.rejections import RejectionReason
from broker.domain.storage_errors import StorageUnavailable
from broker.inspection.inspected import Inspected, OutputFile, Rejected, Request
from broker.services.processing.publish import announce
from broker.services.work import Work
from tests.fuzz.digests import sha256
from tests.fuzz.model_worker import CRASH, DATABASE, KILLED, STOP, STORAGE, ModelAttempt

if TYPE_CHECKING:
    from tests.fuzz.lifecycle import Lifecycle

# Before the download, during the inspection, then before and after each file that is sent.
DOWNLOADS, INSPECTS, FIRST = 0, 1, 2
NOTHING, CANCEL, DELETE, GIVE, REPLACE = "", "cancel", "delete", "give", "replace"
CONFIRM, REAPED = "confirm", "reaped"
# The lease runs out. Then nothing, or another worker publishes the image or is killed as it does.
LATE, SECOND, TAKEN = "late", "second", "taken"
HAPPENINGS = [
    *(CANCEL, DELETE, GIVE, REPLACE, CONFIRM, LATE, SECOND, TAKEN, REAPED),
    *(STORAGE, STOP, CRASH, DATABASE, KILLED),
]
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
    wrong: Exception | None = None

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

    @contextmanager
    def noting_faults(self) -> Iterator[None]:
        """Keep an error of the test, which the broker takes for a fault of the image."""
        try:
            yield
        except Exception as error:
            self.wrong = error
            raise

    def beat(self) -> None:
        """Do nothing: no history needs heartbeats."""

    def self_test(self) -> None:
        """Return None: the worker can inspect."""

    def is_stopping(self) -> bool:
        return self.stopping

    def download(self, key: str, target: Path, **given: Any) -> Any:
        if self.attempt is None:
            with self.noting_faults():
                self.attempt = ModelAttempt(self.machine.world.uploads[key], self.now)
            self.pass_moment()
            self.attempt.read()
        return self.machine.bucket.files.download(key, target, **given)

    def inspect(self, request: Request, *, keep: Any) -> Inspected:
        assert self.attempt is not None
        with self.noting_faults():
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

    def announce(self, session: Any, limits: Any, files: Any, *, now: datetime) -> None:
        assert self.attempt is not None
        announce(session, limits, files, now=now)
        keys = [published_key(limits, each.key) for each in files]
        with self.noting_faults():
            self.attempt.announce(keys, self.now)

    def upload(self, file: Any, key: str, **given: Any) -> str:
        assert self.attempt is not None
        self.pass_moment()
        etag: str = self.machine.bucket.files.upload(file, key, **given)
        with self.noting_faults():
            self.attempt.sent(key, given["size"])
        self.pass_moment()
        return etag

    def pass_moment(self) -> None:
        """Let something happen if this is the moment, and compare everything."""
        assert self.attempt is not None
        self.moment += 1
        if self.moment - 1 != self.at:
            return
        with self.noting_faults():
            self.machine.happen(self.happening, self.attempt.upload)
            self.note_failure()
            self.machine.rows_objects_and_model_agree()
        if self.happening in RAISED:
            raise RAISED[self.happening]

    def note_failure(self) -> None:
        assert self.attempt is not None
        if self.happening in RAISED:
            self.attempt.failure = self.happening
        elif self.happening == STOP:
            self.stopping = True
            # When the inspection has ended, the attempt is finished.
            self.attempt.failure = STOP if self.at <= INSPECTS else None


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
