"""Uploads that the broker processes after the confirm: one poll for all of a client's uploads."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import (
    AsyncBroker,
    Broker,
    Entry,
    FolderJournal,
    Image,
    Progress,
    StillProcessing,
    Unauthorized,
    Upload,
    UploadGone,
    UploadRejected,
    Variant,
)

from tests.python_client.scripted import (
    IMAGE,
    URL,
    Scripted,
    answering,
    async_client,
    client,
    problem,
    ready,
    upload,
)

STILL = [upload()]
READY = [ready()]
UNKNOWN = problem(404, "not_found")
CONFIRM = "POST /api/uploads/u1/confirm/"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_upload_returns_when_its_image_is_ready(
    photo: Path, waits: list[float], kind: str
) -> None:
    server, steps = Scripted(answering(STILL, STILL, READY)), list[Progress]()

    async def send() -> Image:
        async with async_client(server, waits) as broker:
            return await broker.upload(photo, ad=1, on_progress=steps.append)

    if kind == "async":
        image = asyncio.run(send())
    else:
        with client(server, waits) as broker:
            image = broker.upload(photo, ad=1, on_progress=steps.append)
    assert (image.id, image.width, image.height, image.thumbhash) == (1, 400, 300, "1QcSHQ==")
    assert image.variants == (Variant(**IMAGE["variants"][0]),)  # type: ignore[index]
    assert server.polls == [["u1"]] * 3
    assert server.lines.count(CONFIRM) == 1
    size = photo.stat().st_size
    assert steps[-1] == Progress(index=0, sent=size, total=size, phase="processing")
    assert {step.phase for step in steps[:-1]} == {"sending"}
    assert waits[0] == 1.0, "Retry-After of the confirm"
    assert waits[1:] == [3.0, 3.0], "Retry-After of each poll"


def test_polls_without_retry_after_slow_down_to_a_few_seconds(
    photo: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    still = httpx.Response(200, json={"uploads": STILL})
    server = Scripted(
        answering(*[still] * 6, READY), confirmed=[httpx.Response(202, json=upload())]
    )
    with client(server, waits) as broker:
        broker.upload(photo, ad=1)
    assert waits == [1.0, 1.5, 2.25, 3.375, 4.0, 4.0, 4.0]


def test_the_poll_continues_after_network_failures(photo: Path, waits: list[float]) -> None:
    failures = [httpx.ConnectError("down")] * 9 + [problem(503, "database_unavailable")]
    portal = httpx.Response(200, json={"portal": "sign in"})
    server = Scripted(answering(*failures, portal, STILL, READY))
    with client(server, waits, retries=1) as broker:
        assert broker.upload(photo, ad=1).id == 1
    assert len(server.polls) == len(failures) + 3


def test_after_the_timeout_the_error_says_that_the_file_is_safe(
    photo: Path, waits: list[float]
) -> None:
    server = Scripted(answering(STILL))
    with client(server, waits, processing_timeout=0.0) as broker:
        with pytest.raises(StillProcessing, match="has arrived") as late:
            broker.upload(photo, ad=1)
        assert late.value.upload_id == "u1"
        (outcome,) = broker.upload_many([photo], ad=1)
    assert isinstance(outcome.error, StillProcessing)


def test_a_journal_resumes_an_upload_that_is_being_processed_by_waiting(
    photo: Path, tmp_path: Path, waits: list[float]
) -> None:
    folder = tmp_path / "journal"
    declared = {"size": photo.stat().st_size, "checksum_sha256": None}

    def found(upload_id: str) -> httpx.Response:
        return httpx.Response(200, json={**upload(upload_id), **declared})

    late, journal = Scripted(answering(STILL)), FolderJournal(folder)
    late.one = found
    with client(late, waits, processing_timeout=0.0, journal=journal) as broker:
        with pytest.raises(StillProcessing):
            broker.upload(photo, ad=1)
        assert isinstance(broker.upload_many([photo], ad=1)[0].error, StillProcessing)
    (kept,) = folder.iterdir()
    server, steps = Scripted(answering(READY)), list[Progress]()
    server.one = found
    with client(server, waits, journal=FolderJournal(folder)) as broker:
        assert broker.upload(photo, ad=1, on_progress=steps.append).id == 1
    asked = ["GET /api/uploads/u1/", CONFIRM, "GET /api/uploads/?ids=u1"]
    assert server.lines == asked
    assert [step.phase for step in steps] == ["processing"]
    assert not kept.exists()


@pytest.mark.parametrize("unknown", [UNKNOWN, problem(405, "method_not_allowed")])
def test_a_broker_that_does_not_know_ids_is_asked_for_each_upload(
    photo: Path, waits: list[float], unknown: httpx.Response
) -> None:
    server = Scripted(answering(unknown))
    states = [{"id": "u1", "state": "processing"}, {"id": "u1", "state": "confirmed"}]
    server.one = lambda _: httpx.Response(200, json=states.pop(0))
    processing = httpx.Response(202, json={"id": "u1", "state": "processing"})
    server.confirmed = [processing, httpx.Response(200, json=IMAGE)]
    with client(server, waits) as broker:
        assert broker.upload(photo, ad=1).id == 1
    assert server.polls == [["u1"]]
    assert server.lines[-1] == CONFIRM


REFUSED = problem(422, "upload_rejected", reason="not_an_image")
REJECTED = [upload(state="rejected", reason="not_an_image")]


@pytest.mark.parametrize(
    ("polled", "confirmed"),
    [
        (REJECTED, 0),
        (REJECTED, 1),
        ([upload(state="rejected")], 2),
    ],
    ids=["the poll", "the confirm", "the confirm after the poll"],
)
@pytest.mark.parametrize("call", ["upload", "upload_many"])
def test_a_rejected_file_raises_its_reason_and_is_not_sent_again(  # noqa: PLR0913
    photo: Path, tmp_path: Path, waits: list[float], polled: Any, confirmed: int, call: str
) -> None:
    journal = FolderJournal(tmp_path / "journal")
    first = {0: [], 1: [REFUSED], 2: [httpx.Response(202, json=upload()), REFUSED]}[confirmed]
    server = Scripted(answering(polled), confirmed=list(first))
    with client(server, waits, journal=journal) as broker:
        if call == "upload":
            with pytest.raises(UploadRejected) as refused:
                broker.upload(photo, ad=1)
            error: Any = refused.value
        else:
            (outcome,) = broker.upload_many([photo], ad=1)
            error = outcome.error
    assert isinstance(error, UploadRejected)
    assert (error.code, error.status, error.reason) == ("upload_rejected", 422, "not_an_image")
    assert sum(line.endswith("/upload_image/") for line in server.lines) == 1
    assert list(journal.folder.iterdir()) == []


def test_with_wait_for_recorded_an_upload_returns_when_it_is_recorded(
    photo: Path, tmp_path: Path, waits: list[float]
) -> None:
    server, journal = Scripted(answering(READY)), FolderJournal(tmp_path / "journal")
    with client(server, waits, journal=journal) as broker:
        recorded = broker.upload(photo, ad=1, wait_for="recorded")
        assert isinstance(recorded, Upload)
        assert (recorded.id, recorded.state, recorded.retry_after) == ("u1", "processing", 1.0)
        (outcome,) = broker.upload_many([photo], ad=1, wait_for="recorded")
        assert (outcome.image, outcome.error) == (None, None)
        assert outcome.upload == Upload(id="u2", state="processing", retry_after=1.0)
        assert isinstance(broker.confirm("u1", wait_for="recorded"), Upload)
        assert (server.polls, waits) == ([], [])
        assert list(journal.folder.iterdir()) == []
        assert broker.confirm("u1").id == 1
    image = httpx.Response(200, json=IMAGE)
    with client(Scripted(answering(READY), confirmed=[image]), waits) as broker:
        assert isinstance(broker.upload(photo, ad=1, wait_for="recorded"), Image)


def test_an_upload_that_was_cancelled_while_it_is_processed_raises_upload_gone(
    photo: Path, waits: list[float]
) -> None:
    cancelled = problem(410, "upload_cancelled")
    server = Scripted(answering([upload(state="cancelled")]))
    server.confirmed = [httpx.Response(202, json=upload()), cancelled]
    with client(server, waits) as broker, pytest.raises(UploadGone):
        broker.upload(photo, ad=1)
    server = Scripted(answering([]), confirmed=[httpx.Response(202, json=upload()), UNKNOWN])
    with client(server, waits) as broker:
        broker.cancel("u1")
    assert server.lines == ["DELETE /api/uploads/u1/"]


def test_a_final_answer_to_the_poll_is_raised_and_the_upload_is_kept(
    photo: Path, tmp_path: Path, waits: list[float]
) -> None:
    journal = FolderJournal(tmp_path / "journal")
    server = Scripted(answering(problem(401, "token_expired")))
    with client(server, waits, journal=journal) as broker:
        with pytest.raises(Unauthorized):
            broker.upload(photo, ad=1)
        (kept,) = journal.folder.iterdir()
        assert journal.begin(kept.stem) == Entry(
            idempotency_key=journal.begin(kept.stem).idempotency_key, upload_id="u1"
        )


def test_nothing_is_asked_after_a_task_was_cancelled(photo: Path) -> None:
    async def send() -> None:
        asked = asyncio.Event()

        async def wait(seconds: float) -> None:
            asked.set()
            await asyncio.Event().wait()

        transport = httpx.MockTransport(server)
        async with AsyncBroker(URL, "token", transport=transport, wait=wait) as broker:
            task = asyncio.ensure_future(broker.upload(photo, ad=1))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert broker._operations._processing._callers == []
            assert not broker._operations._processing._asking

    server = Scripted(answering(STILL))
    asyncio.run(send())
    assert server.polls == []


def test_a_user_has_the_size_and_variants_of_the_avatar(waits: list[float]) -> None:
    picture = {name: IMAGE[name] for name in ("width", "height", "thumbhash", "variants")}
    names = ("subject", "email", "first_name", "last_name", "name", "avatar", "avatar_url")
    user = {"id": 1, **dict.fromkeys(names, "x"), "avatar_image": picture}
    answer = httpx.Response(200, json=user)
    with Broker(URL, "token", transport=httpx.MockTransport(lambda _: answer)) as broker:
        avatar = broker.me().avatar_image
    assert avatar is not None
    assert (avatar.width, avatar.variants[0].width) == (400, 320)
