"""Uploads that the broker processes after the confirm: one poll for all of a client's uploads."""

import asyncio
import threading
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
from broker_client.processing import LOOK_SECONDS

from tests.python_client.scripted import IMAGE, Scripted, answering, problem, ready, upload

URL = "http://broker.example"
STILL = [upload()]
READY = [ready()]
UNKNOWN = problem(404, "not_found")
CONFIRM = "POST /api/uploads/u1/confirm/"


def client(server: Scripted, waits: list[float], **options: Any) -> Broker:
    transport = httpx.MockTransport(server)
    return Broker(URL, "token", transport=transport, wait=waits.append, **options)


def async_client(server: Scripted, waits: list[float], **options: Any) -> AsyncBroker:
    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    return AsyncBroker(URL, "token", transport=httpx.MockTransport(server), wait=wait, **options)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo{number}.jpg" for number in range(60)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


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
    assert min(waits) >= 1.0, "Retry-After of the confirm and of each poll"


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


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_many_files_are_asked_for_together_and_take_no_place_of_those_that_are_sent(
    photos: list[Path], waits: list[float], kind: str
) -> None:
    """Nothing is ready before the last file is sent, although two are sent at a time."""

    def polled(ids: list[str]) -> httpx.Response:
        confirms = sum(line.endswith("/confirm/") for line in server.lines)
        found = [ready(one) if confirms == len(photos) else upload(one) for one in ids]
        return httpx.Response(200, json={"uploads": found})

    server, done = Scripted(polled), list[int]()
    options: dict[str, Any] = {
        "ad": 1,
        "at_once": 2,
        "on_done": lambda outcome: done.append(outcome.index),
    }

    async def send() -> list[Any]:
        async with async_client(server, waits) as broker:
            return await broker.upload_many(photos, **options)

    if kind == "async":
        outcomes = asyncio.run(send())
    else:
        with client(server, waits) as broker:
            outcomes = broker.upload_many(photos, **options)
    assert [outcome.index for outcome in outcomes] == list(range(60))
    assert len({outcome.image.id for outcome in outcomes if outcome.image}) == 60
    assert sorted(done) == list(range(60))
    assert max(map(len, server.polls)) == 50


def test_the_uploads_of_several_threads_share_one_poll(waits: list[float]) -> None:
    looking, all_wait = set[int](), threading.Event()

    def wait(seconds: float) -> None:
        if seconds != LOOK_SECONDS:  # the thread that will ask
            all_wait.wait(timeout=10)
            return
        looking.add(threading.get_ident())
        if len(looking) == 2:
            all_wait.set()
        threading.Event().wait(0.001)

    def polled(ids: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"uploads": [ready(one) for one in ids]})

    server, images = Scripted(polled), list[int]()
    with Broker(URL, "token", transport=httpx.MockTransport(server), wait=wait) as broker:
        threads = [
            threading.Thread(target=lambda one=one: images.append(broker.confirm(one).id))
            for one in ("u1", "u2", "u3")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
    assert sorted(images) == [1, 2, 3]
    assert [sorted(ids) for ids in server.polls] == [["u1", "u2", "u3"]]


def test_the_uploads_of_several_tasks_share_one_poll(waits: list[float]) -> None:
    def polled(ids: list[str]) -> httpx.Response:
        return httpx.Response(200, json={"uploads": [ready(one) for one in ids]})

    async def confirm_all() -> list[Image]:
        async with async_client(server, waits) as broker:
            return await asyncio.gather(*(broker.confirm(f"u{n}") for n in range(1, 6)))

    server = Scripted(polled)
    assert [image.id for image in asyncio.run(confirm_all())] == [1, 2, 3, 4, 5]
    assert len(server.polls) < 5


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


@pytest.mark.parametrize("sent", [0, 1])
def test_an_error_of_the_callers_function_ends_all_threads(
    photos: list[Path], waits: list[float], sent: int
) -> None:
    before = set(threading.enumerate())
    server = Scripted(answering([ready("u1"), upload("u2"), upload("u3")]))
    image = httpx.Response(200, json=IMAGE)
    server.confirmed = [image] * sent

    def fail(_: object) -> None:
        raise RuntimeError("no disk")

    with client(server, waits) as broker, pytest.raises(RuntimeError, match="no disk"):
        broker.upload_many(photos[:3], ad=1, on_done=fail)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert broker._operations._processing._callers == []
