"""Tokens by owner: the caller's function is called once for each owner, and never in a loop."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker_client import AsyncBroker, Broker, TokenFailed, Unauthorized
from broker_client.models import Upload
from broker_client.owners import Owner

from tests.http.client import JPEG
from tests.python_client.scripted import (
    IMAGE,
    URL,
    Scripted,
    answering,
    problem,
    ready,
    upload,
)
from tests.python_client.test_owners import Owners

Asked = tuple[str | None, str | None]
EMPTY = {"results": [], "next_cursor": None}
FIRST, SECOND = ("product_image", "1"), ("product_image", "2")


class Grants:
    """A token function that signs `profile/owner#count`, and the list of its calls."""

    def __init__(self) -> None:
        self.calls: list[Asked] = []

    def __call__(self, *, profile: str | None, owner: str | None) -> str:
        self.calls.append((profile, owner))
        return f"{profile}/{owner}#{len(self.calls)}"


class Recorder:
    """A transport that keeps each request's token."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.sent: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if request.url.host != "bucket.example":
            token = request.headers["Authorization"].removeprefix("Bearer ")
            self.sent.append((request.url.raw_path.decode(), token))
        return self.answer(request)

    @property
    def tokens(self) -> list[str]:
        return [token for _, token in self.sent]


def broker(server: Recorder, token: Any, **options: Any) -> Broker:
    transport = httpx.MockTransport(server)
    return Broker(URL, token, transport=transport, wait=lambda _: None, **options)


def test_an_upload_asks_once_and_sends_the_owners_token_with_every_request(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    server, grants = Owners(), Grants()
    recorder = Recorder(server)
    with broker(recorder, grants) as client:
        client.upload(tmp_path / "a.jpg", owner="product_image/1")
        client.upload_many([tmp_path / "a.jpg"], owner="product_image/1")
        client.cancel("u1", owner="product_image/1")
    assert grants.calls == [FIRST]
    assert set(recorder.tokens) == {"product_image/1#1"}
    assert any("?ids=" in path for path, _ in recorder.sent)


def test_each_owner_has_a_token_and_requests_about_none_have_another() -> None:
    grants, recorder = Grants(), Recorder(lambda _: httpx.Response(200, json=EMPTY))
    with broker(recorder, grants) as client:
        for owner in ("product_image/1", "product_image/2", "ad_image/1", "product_image/1"):
            client.files(owner)
        client.cancel("u1")
    assert grants.calls == [FIRST, SECOND, ("ad_image", "1"), (None, None)]
    assert [token[-1] for token in recorder.tokens] == ["1", "2", "3", "1", "4"]


def test_a_refused_token_is_replaced_for_its_owner_only() -> None:
    expired = ["product_image/1#1"]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"].removeprefix("Bearer ") in expired:
            return problem(401, "token_expired")
        return httpx.Response(200, json=EMPTY)

    grants, recorder = Grants(), Recorder(answer)
    with broker(recorder, grants) as client:
        for owner in ("product_image/1", "product_image/2", "product_image/1"):
            client.files(owner)
    assert grants.calls == [FIRST, FIRST, SECOND]


def test_a_second_refusal_is_final() -> None:
    grants, recorder = Grants(), Recorder(lambda _: problem(401, "token_invalid"))
    with broker(recorder, grants) as client, pytest.raises(Unauthorized):
        client.files("product_image/1")
    assert (len(grants.calls), len(recorder.sent)) == (2, 2)


@pytest.mark.parametrize("shared", [True, False])
def test_one_request_asks_for_uploads_with_the_same_token_and_none_mixes_two(
    shared: bool,
) -> None:
    polled: list[tuple[str, list[str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        ids = path.partition("?ids=")[2].split(",")
        polled.append((request.headers["Authorization"], ids))
        return httpx.Response(200, json={"uploads": [ready(one) for one in ids]})

    def token(*, profile: str | None, owner: str | None) -> str:
        return "session" if shared else f"of-{owner}"

    with broker(Recorder(answer), token) as client:
        processing = client._operations._processing
        waiting = [
            processing.add(Upload.read(upload(upload_id)), Owner.named(f"product_image/{name}"))
            for upload_id, name in (("u1", "1"), ("u2", "2"), ("u3", "1"))
        ]
        client._runner.run(processing.turn())
        images = [client._runner.run(processing.check(one)) for one in waiting]
        for one in waiting:
            processing.remove(one)
    assert [image.id for image in images if image] == [1, 2, 3]
    if shared:
        assert polled == [("Bearer session", ["u1", "u2", "u3"])]
    else:
        assert polled == [("Bearer of-1", ["u1", "u3"]), ("Bearer of-2", ["u2"])]


def test_a_resumed_upload_of_another_process_takes_the_owner_of_the_answer(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    found = {
        "id": "u1",
        "state": "pending",
        "size": len(JPEG),
        "checksum_sha256": None,
        "transport": "put",
        "purpose": "ad_image",
        "owner": 7,
    }
    server, grants = Scripted(answering([ready("u1")])), Grants()
    server.one = lambda _: httpx.Response(200, json=found)
    server.confirmed.append(httpx.Response(200, json=IMAGE))
    with broker(Recorder(server), grants) as client:
        client.resume("u1", tmp_path / "a.jpg")
        assert grants.calls == [(None, None), ("ad_image", "7")]
        server.confirmed.append(httpx.Response(200, json=IMAGE))
        client.resume("u1", tmp_path / "a.jpg", owner="ad_image/7")
        server.confirmed.append(httpx.Response(200, json=IMAGE))
        client.confirm("u1", owner="ad_image/7")
    assert grants.calls == [(None, None), ("ad_image", "7")]


def test_functions_of_earlier_releases_still_work_and_have_one_token() -> None:
    calls: list[str] = []

    def no_arguments() -> str:
        calls.append("called")
        return "token"

    def forwarded(*args: Any, **options: Any) -> str:
        return no_arguments(*args, **options)

    def signed(secret: str, *, profile: str = "default") -> str:
        return no_arguments()

    class Session:
        def token(self) -> str:
            return no_arguments()

    recorder = Recorder(lambda _: httpx.Response(200, json=EMPTY))
    for function in (
        no_arguments,
        forwarded,
        functools.partial(signed, "secret"),
        Session().token,
        lambda: no_arguments(),
    ):
        calls.clear()
        with broker(recorder, function) as client:
            client.files("product_image/1")
            client.files("product_image/2")
        assert calls == ["called"], function


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("error", [OSError("no route"), ValueError("no grant"), None])
def test_a_function_that_fails_or_returns_no_text_raises_token_failed(
    tmp_path: Path, kind: str, error: Exception | None
) -> None:
    photos = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for photo in photos:
        photo.write_bytes(JPEG)
    server = Owners()

    def fail(*, profile: str | None, owner: str | None) -> Any:
        if error is not None:
            raise error
        return None

    async def fail_later(*, profile: str | None, owner: str | None) -> Any:
        return fail(profile=profile, owner=owner)

    async def run() -> Any:
        transport = httpx.MockTransport(server)
        async with AsyncBroker(URL, fail_later, transport=transport) as client:
            with pytest.raises(TokenFailed) as failed:
                await client.files("product_image/1")
            return failed.value, await client.upload_many(photos, owner="product_image/1")

    if kind == "async":
        failure, outcomes = asyncio.run(run())
    else:
        with broker(Recorder(server), fail) as client:
            with pytest.raises(TokenFailed) as failed:
                client.files("product_image/1")
            failure = failed.value
            outcomes = client.upload_many(photos, owner="product_image/1")
    assert failure.__cause__ is error
    assert str(error or "NoneType, not a text") in str(failure)
    assert [type(outcome.error) for outcome in outcomes] == [TokenFailed, TokenFailed]
    assert server.lines == []


def test_an_upload_whose_owner_has_no_token_does_not_end_the_wait_of_others() -> None:
    def token(*, profile: str | None, owner: str | None) -> str:
        if owner == "1":
            raise ValueError("no grant")
        return "token"

    server = Scripted(answering([ready("u2")]))
    with broker(Recorder(server), token) as client:
        processing = client._operations._processing
        lost = processing.add(Upload.read(upload("u1")), Owner.named("product_image/1"))
        kept = processing.add(Upload.read(upload("u2")), Owner.named("product_image/2"))
        client._runner.run(processing.turn())
        image = client._runner.run(processing.check(kept))
        assert image is not None
        with pytest.raises(TokenFailed):
            client._runner.run(processing.check(lost))
    assert server.polls == [["u2"]]


def test_errors_of_the_client_pass_through_the_function_unchanged() -> None:
    def signed_out() -> str:
        raise Unauthorized("token_missing", 401, "signed out")

    with (
        broker(Recorder(lambda _: httpx.Response(500)), signed_out) as client,
        pytest.raises(Unauthorized, match="signed out"),
    ):
        client.me()


def test_ctrl_c_and_a_cancelled_task_end_the_function_and_are_no_failed_token() -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    async def cancelled() -> None:
        called = asyncio.Event()

        async def token() -> str:
            called.set()
            await asyncio.Event().wait()
            raise AssertionError("it was cancelled")

        async with AsyncBroker(URL, token, transport=httpx.MockTransport(Owners())) as client:
            task = asyncio.create_task(client.me())
            await called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with broker(Recorder(Owners()), interrupted) as client, pytest.raises(KeyboardInterrupt):
        client.me()
    asyncio.run(cancelled())
