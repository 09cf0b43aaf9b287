"""What happens to an upload while a worker processes it. The invariants are true at each moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask import Flask

from broker.domain.storage_errors import PreconditionFailed, StorageUnavailable
from broker.inspection.inspect import inspect
from broker.inspection.inspected import Inspected, Request
from broker.services.background.reap import reap_once
from broker.services.processing.process import Outcome
from broker.storage.factory import object_files
from tests.faults.invariants import check_invariants
from tests.faults.operations import INSPECTED, PHOTO, Scene, processing
from tests.http.client import declared, send
from tests.http.worker import Worker
from tests.servers.fixtures import Bucket

Happening = Callable[[], None]
# The image and its two variants.
FILES = 3


@dataclass
class Files:
    """The objects as files, with something that happens before or after one of the writes."""

    files: Any
    happenings: dict[tuple[str, int], Happening] = field(default_factory=dict)
    uploads: int = 0

    def download(self, *args: Any, **kwargs: Any) -> Any:
        self._happen("download")
        return self.files.download(*args, **kwargs)

    def upload(self, file: BinaryIO, *args: Any, **kwargs: Any) -> Any:
        self.uploads += 1
        self._happen("before")
        etag = self.files.upload(file, *args, **kwargs)
        self._happen("after")
        return etag

    def _happen(self, when: str) -> None:
        happening = self.happenings.pop((when, self.uploads), None)
        if happening is not None:
            happening()


@pytest.fixture
def scene(make_app: Callable[..., Flask], s3_bucket: Bucket) -> Scene:
    return Scene(make_app(**INSPECTED), s3_bucket)


@dataclass
class Workshop:
    """A worker whose steps are interrupted."""

    scene: Scene
    directory: Path

    def work(
        self,
        happenings: dict[tuple[str, int], Happening] | None = None,
        *,
        while_inspecting: Happening | None = None,
        after: timedelta = timedelta(),
    ) -> Outcome | None:
        broker = self.scene.app.extensions["broker"]

        def inspect_slowly(request: Request, **_: Any) -> Inspected:
            result = inspect(request)
            if while_inspecting is not None:
                while_inspecting()
            return result

        worker = Worker(
            self.scene.app,
            self.directory,
            inspect=inspect_slowly,
            files=Files(object_files(broker.settings), happenings or {}),  # type: ignore[arg-type]
            now=datetime.now(UTC) + after,
        )
        return worker.next()

    def reap(self, *, days: int) -> None:
        broker = self.scene.app.extensions["broker"]
        with broker.system_work(now=datetime.now(UTC) + timedelta(days=days)) as work:
            reap_once(work)

    def at_rest(self) -> dict[str, int]:
        assert check_invariants(self.scene.app).violations == []
        for days in (3, 6):
            self.reap(days=days)
        state = check_invariants(self.scene.app, at_rest=True)
        assert state.violations == []
        return state.counts


@pytest.fixture
def workshop(scene: Scene, tmp_path: Path) -> Workshop:
    return Workshop(scene, tmp_path)


QUICK = ("after", 2)
MATRIX = pytest.mark.matrix(part="kill")
# The quick moment is tried on both databases. The others are slow, and divided between them.
EACH_MOMENT = pytest.mark.parametrize(
    ("database_url", "moment"),
    [
        pytest.param(
            database,
            moment,
            id=f"{database}-{moment[0]}-{moment[1]}",
            marks=[] if moment == QUICK else MATRIX,
        )
        for number, moment in enumerate(
            [("download", 0), *product(("before", "after"), range(1, FILES + 1))]
        )
        for which, database in enumerate(["sqlite", "postgresql"])
        if moment == QUICK or which == number % 2
    ],
    indirect=["database_url"],
)


@EACH_MOMENT
def test_a_worker_whose_lease_has_run_out_publishes_nothing(
    workshop: Workshop, moment: tuple[str, int]
) -> None:
    ticket = processing(workshop.scene)
    outcomes = []

    def second() -> None:
        outcomes.append(workshop.work(after=timedelta(minutes=5)))
        assert check_invariants(workshop.scene.app).violations == []

    outcomes.append(workshop.work({moment: second}))
    assert outcomes == [Outcome.PUBLISHED, Outcome.LOST]
    upload = workshop.scene.alice.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert upload["state"] == "confirmed"
    assert len(upload["image"]["variants"]) == FILES - 1
    counts = workshop.at_rest()
    assert (counts["objects"], counts["images"]) == (FILES, 1)


@EACH_MOMENT
@pytest.mark.parametrize("what", ["upload", "ad"])
def test_an_upload_that_ends_while_it_is_processed_leaves_nothing(
    workshop: Workshop, what: str, moment: tuple[str, int]
) -> None:
    ticket = processing(workshop.scene)
    ad = ticket["key"].split("/")[1].removeprefix("ad_")
    path = f"/api/ads/{ad}/" if what == "ad" else f"/api/uploads/{ticket['id']}/"

    def end() -> None:
        assert workshop.scene.alice.delete(path).status_code == 204
        assert check_invariants(workshop.scene.app).violations == []

    assert workshop.work({moment: end}) is Outcome.LOST
    counts = workshop.at_rest()
    assert (counts["objects"], counts["images"]) == (0, 0)


@pytest.mark.parametrize(
    ("database_url", "number"),
    [
        pytest.param("sqlite", 1, marks=MATRIX),
        ("sqlite", 2),
        ("postgresql", 2),
        pytest.param("postgresql", 3, marks=MATRIX),
    ],
    indirect=["database_url"],
)
def test_a_bucket_that_fails_between_two_files_is_tried_again_with_other_keys(
    workshop: Workshop, number: int
) -> None:
    processing(workshop.scene)

    def fail() -> None:
        raise StorageUnavailable("The bucket does not answer; try again.")

    assert workshop.work({("before", number): fail}) is Outcome.GIVEN_BACK
    assert check_invariants(workshop.scene.app).violations == []
    assert workshop.work() is None
    assert workshop.work(after=timedelta(minutes=1)) is Outcome.PUBLISHED
    counts = workshop.at_rest()
    assert (counts["objects"], counts["images"]) == (FILES, 1)


def test_a_bucket_that_fails_for_one_object_is_asked_more_and_more_rarely(
    workshop: Workshop,
) -> None:
    processing(workshop.scene)

    def fail() -> None:
        raise StorageUnavailable("The bucket does not answer; try again.")

    seconds = 0
    for wait in (15, 30, 60, 120, 240, 300, 300):
        outcome = workshop.work({("download", 0): fail}, after=timedelta(seconds=seconds))
        assert outcome is Outcome.GIVEN_BACK
        assert workshop.work(after=timedelta(seconds=seconds + wait - 5)) is None
        seconds += wait + 5
    assert workshop.work(after=timedelta(seconds=seconds)) is Outcome.PUBLISHED


def test_a_server_that_finds_an_object_at_every_key_is_asked_more_and_more_rarely(
    workshop: Workshop,
) -> None:
    processing(workshop.scene)

    def refuse() -> None:
        raise PreconditionFailed("There is an object at this key.")

    seconds = 0
    for wait in (0, 30, 60):
        outcome = workshop.work({("before", 1): refuse}, after=timedelta(seconds=seconds))
        assert outcome is Outcome.GIVEN_BACK
        if wait:
            assert workshop.work(after=timedelta(seconds=seconds + wait - 5)) is None
        seconds += wait + 5
    assert workshop.work(after=timedelta(seconds=seconds)) is Outcome.PUBLISHED
    assert workshop.at_rest()["objects"] == FILES


def test_bytes_that_are_replaced_before_the_worker_reads_them_are_rejected(
    workshop: Workshop,
) -> None:
    ticket = processing(workshop.scene)

    def replace() -> None:
        workshop.scene.forge(f"incoming/{ticket['key']}")

    assert workshop.work({("download", 0): replace}) is Outcome.REJECTED
    answer = workshop.scene.alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["reason"]) == (422, "checksum_mismatch")
    assert workshop.at_rest()["objects"] == 0


def test_an_image_that_fails_five_times_is_rejected(workshop: Workshop) -> None:
    ticket = processing(workshop.scene)

    def crash() -> None:
        raise RuntimeError("the child crashed")

    outcomes = [
        workshop.work(while_inspecting=crash, after=timedelta(hours=hours)) for hours in range(5)
    ]
    assert outcomes == [Outcome.FAILED] * 4 + [Outcome.REJECTED]
    answer = workshop.scene.alice.post(ticket["confirm_url"])
    assert answer.get_json()["reason"] == "processing_failed"
    assert workshop.at_rest()["objects"] == 0


def test_an_avatar_that_was_requested_later_stays(workshop: Workshop) -> None:
    alice = workshop.scene.alice
    tickets = [
        alice.post("/api/users/1/upload_avatar/", declared(PHOTO)).get_json() for _ in range(2)
    ]
    for ticket in reversed(tickets):
        send(ticket, PHOTO)
        assert alice.post(ticket["confirm_url"]).status_code == 202
    assert workshop.work() is Outcome.PUBLISHED
    assert workshop.work() is Outcome.CANCELLED
    assert alice.get("/api/users/1/").get_json()["avatar"] == tickets[1]["key"]
    counts = workshop.at_rest()
    assert (counts["objects"], counts["images"]) == (2, 1)
