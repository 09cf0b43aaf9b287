"""Idempotency-Key: a retry gets the first answer and creates nothing twice."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from broker.db.models import Ad, IdempotencyKey, Upload, UppySession
from broker.domain.principal import Principal
from broker.domain.storage_errors import StorageUnavailable
from broker.services.background.reap import reap_once
from broker.services.idempotency import BATCH, Claim, claim
from tests.http.client import Client, declared, rows, token
from tests.http.test_adversarial import at_once

AD = {"title": "A bicycle", "description": "Red.", "price": "850.00"}
DAY = timedelta(hours=24)


def post(client: Client, path: str, body: Any, key: str = "k-1") -> TestResponse:
    return client.post(path, body, headers={"Idempotency-Key": key})


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def assert_replay(first: TestResponse, second: TestResponse) -> None:
    assert (second.status_code, second.data) == (first.status_code, first.data)
    assert second.mimetype == first.mimetype == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def creations(ad: int) -> list[tuple[str, dict[str, Any], type]]:
    return [
        ("/api/ads/", AD, Ad),
        (f"/api/ads/{ad}/upload_image/", declared(), Upload),
        (f"/api/ads/{ad}/upload_images/", {"files": [declared()] * 3}, Upload),
        ("/api/users/1/upload_avatar/", declared(), Upload),
        (f"/api/ads/{ad}/uppy_session/", {"max_files": 3}, UppySession),
        ("/api/users/1/uppy_session/", {}, UppySession),
    ]


def test_case_21_the_same_key_and_body_give_the_same_ticket(app: Flask, alice: Client) -> None:
    path = f"/api/ads/{alice.ad()}/upload_image/"
    first, second = post(alice, path, declared()), post(alice, path, declared())
    assert first.status_code == 201
    assert_replay(first, second)
    assert rows(app, Upload) == 1


def test_case_21_another_body_is_422(app: Flask, alice: Client) -> None:
    path = f"/api/ads/{alice.ad()}/upload_image/"
    post(alice, path, declared())
    for body in (declared(order=1), {"nothing": "of ours"}):
        assert code(post(alice, path, body)) == (422, "idempotency_key_reused")
    assert rows(app, Upload) == 1


def test_every_creation_happens_once_and_is_replayed(app: Flask, alice: Client) -> None:
    for number, (path, body, model) in enumerate(creations(alice.ad())):
        first = post(alice, path, body, f"key-{number}")
        assert first.status_code == 201, first.text
        made = rows(app, model)
        # The trailing slash is optional and makes no difference.
        assert_replay(first, post(alice, path.rstrip("/"), body, f"key-{number}"))
        assert rows(app, model) == made


def test_without_a_key_each_request_creates_another_one(app: Flask, alice: Client) -> None:
    assert alice.ad() != alice.ad()
    assert rows(app, IdempotencyKey) == 0


@pytest.mark.parametrize("what", [0, 1], ids=["ad", "ticket"])
def test_twenty_concurrent_requests_with_one_key_create_one(
    app: Flask, alice: Client, what: int
) -> None:
    path, body, model = creations(alice.ad())[what]
    before = rows(app, model)
    answers = at_once(20, lambda: post(alice, path, body))
    made = {answer.data for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    late = [answer for answer in answers if answer.status_code != 201]
    for answer in late:
        assert code(answer) == (409, "idempotency_in_flight")
        assert answer.headers["Retry-After"] == "1"
    assert post(alice, path, body).data in made
    assert rows(app, model) == before + 1


def test_another_path_is_422(app: Flask, alice: Client) -> None:
    one, other = alice.ad(), alice.ad()
    post(alice, f"/api/ads/{one}/upload_image/", declared())
    answer = post(alice, f"/api/ads/{other}/upload_image/", declared())
    assert code(answer) == (422, "idempotency_key_reused")
    assert rows(app, Upload) == 1


def test_another_users_same_key_is_another_key(alice: Client, bob: Client) -> None:
    first, second = post(alice, "/api/ads/", AD), post(bob, "/api/ads/", AD)
    assert (first.get_json()["owner"], second.get_json()["owner"]) == (1, 2)
    assert "Idempotency-Replayed" not in second.headers


def test_a_replay_needs_a_token(app: Flask, alice: Client, anyone: Client) -> None:
    post(alice, "/api/ads/", AD)
    assert code(post(anyone, "/api/ads/", AD)) == (401, "token_missing")


def test_a_key_in_quotes_is_the_bare_key(alice: Client) -> None:
    for key, same in (
        ('"abc"', "abc"),
        ("ABC", ' "ABC"\t'),
        ('"a\\"b\\\\c"', '"a\\"b\\\\c"'),
        ('"a\\\\c"', "a\\c"),
        ('"a, b;c=d"', '"a, b;c=d"'),
        ("x" * 255, '"' + "x" * 255 + '"'),
        ("AZaz09!~+/=:;-_", '"AZaz09!~+/=:;-_"'),
    ):
        assert_replay(post(alice, "/api/ads/", AD, key), post(alice, "/api/ads/", AD, same))


def test_an_invalid_key_is_400(app: Flask, alice: Client) -> None:
    for key in (
        *("", " ", '""', "x" * 256, '"' + "x" * 256 + '"'),
        *("a b", "a\x01b", "a\x7fb", '"a\x01"', '"a\tb"', "ä", '"ä"'),
        *('"abc', 'abc"', '"a"b"', '"a\\b"', '"a";p=1', '"a" "b"', "a,b", ","),
    ):
        answer = post(alice, "/api/ads/", AD, key)
        assert code(answer) == (400, "invalid_idempotency_key"), key
    assert rows(app, Ad) == 0


def test_two_keys_are_400(app: Flask, alice: Client) -> None:
    for keys in (("a", "b"), ("a", "a"), ('"a"', '"b"'), ("a", ""), ("", "a")):
        headers = [("Idempotency-Key", key) for key in keys]
        headers.append(("Authorization", f"Bearer {alice.token}"))
        answer = app.test_client().post("/api/ads/", json=AD, headers=headers)
        assert code(answer) == (400, "invalid_idempotency_key"), keys


def test_after_a_422_the_corrected_request_may_reuse_the_key(app: Flask, alice: Client) -> None:
    path = f"/api/ads/{alice.ad()}/upload_image/"
    assert code(post(alice, path, declared(size=0))) == (422, "validation_error")
    assert code(post(alice, path, declared(content_type="text/html"))) == (422, "validation_error")
    assert rows(app, IdempotencyKey) == 0
    assert post(alice, path, declared()).status_code == 201


def test_after_a_409_the_retry_runs_again(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    batch, path = f"/api/ads/{ad}/upload_images/", f"/api/ads/{ad}/upload_image/"
    tickets = alice.post(batch, {"files": [declared()] * 20}).get_json()["tickets"]
    assert code(post(alice, path, declared())) == (409, "image_limit_reached")
    alice.delete(f"/api/uploads/{tickets[0]['id']}/")
    assert post(alice, path, declared()).status_code == 201


def test_at_the_limit_a_replay_takes_no_further_slot(app: Flask, alice: Client) -> None:
    path, body = f"/api/ads/{alice.ad()}/upload_images/", {"files": [declared()] * 20}
    assert_replay(post(alice, path, body), post(alice, path, body))
    assert rows(app, Upload) == 20


def test_after_a_503_of_the_bucket_the_retry_runs_again(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/ads/{alice.ad()}/upload_image/"

    def away(*_: object) -> None:
        raise StorageUnavailable("The bucket does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(type(app.extensions["broker"].storage.presigner), "presign_post", away)
        assert code(post(alice, path, declared())) == (503, "storage_unavailable")
    assert post(alice, path, declared()).status_code == 201


@contextmanager
def failing(engine: Engine, statement: str) -> Iterator[None]:
    """Make one statement fail in the database."""

    def fail(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if statement in sql:
            raise OperationalError(sql, None, Exception("gone"))

    event.listen(engine, "before_cursor_execute", fail)
    yield
    event.remove(engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("statement", ["INSERT INTO uploads", "UPDATE idempotency_keys"])
def test_after_a_503_of_the_database_the_retry_runs_again(
    app: Flask, alice: Client, statement: str
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"
    with failing(app.extensions["broker"].database.engine, statement):
        assert code(post(alice, path, declared())) == (503, "database_unavailable")
    assert rows(app, Upload) == 0
    assert post(alice, path, declared()).status_code == 201
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(Ad, ad).slots_taken == 1


def test_a_key_expires_after_24_hours(
    app: Flask, alice: Client, pass_time: Callable[[timedelta], None]
) -> None:
    first = post(alice, "/api/ads/", AD)
    pass_time(DAY - timedelta(minutes=1))
    assert_replay(first, post(alice, "/api/ads/", AD))
    pass_time(DAY)
    second = post(alice, "/api/ads/", {**AD, "title": "Another"})
    assert second.get_json()["id"] != first.get_json()["id"]
    assert_replay(second, post(alice, "/api/ads/", {**AD, "title": "Another"}))
    assert (rows(app, Ad), rows(app, IdempotencyKey)) == (2, 1)


def test_twenty_concurrent_requests_with_an_expired_key_create_one(
    app: Flask, alice: Client, pass_time: Callable[[timedelta], None]
) -> None:
    post(alice, "/api/ads/", AD)
    pass_time(DAY)
    answers = at_once(20, lambda: post(alice, "/api/ads/", AD))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert rows(app, Ad) == 2


def test_the_reaper_deletes_only_expired_keys(app: Flask, alice: Client) -> None:
    broker, now = app.extensions["broker"], datetime.now(UTC)
    with broker.work(Principal(user_id=7), now=now - DAY) as work:
        for number in range(2 * BATCH + 1):
            assert isinstance(claim(work, key=f"{number}", fingerprint="f"), Claim)
    post(alice, "/api/ads/", AD, str(uuid.uuid4()))
    with broker.system_work(now=now) as work:
        reap_once(work)
    assert rows(app, IdempotencyKey) == 1


def test_a_page_of_another_origin_may_send_a_key_and_see_a_replay(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(cors_origins=("https://shop.example",)), token(1))
    ask = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    allowed = alice.call("OPTIONS", "/api/ads/", headers=ask).headers
    assert "idempotency-key" in allowed["Access-Control-Allow-Headers"].lower()
    headers = {"Origin": "https://shop.example", "Idempotency-Key": "k-1"}
    exposed = alice.post("/api/ads/", AD, headers=headers).headers["Access-Control-Expose-Headers"]
    assert {"Idempotency-Replayed", "Retry-After"} <= set(exposed.split(", "))


def test_neither_a_key_nor_a_kept_answer_is_logged(
    app: Flask, alice: Client, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/api/ads/{alice.ad()}/upload_image/"
    signature = post(alice, path, declared(), "k-secret").get_json()["upload"]["fields"]
    post(alice, path, declared(), "k-secret")

    def break_it(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> tuple[str, Any]:
        return sql.replace("UPDATE idempotency_keys", "UPDATE no_such_table"), values

    engine = app.extensions["broker"].database.engine
    event.listen(engine, "before_cursor_execute", break_it, retval=True)
    headers = {"Authorization": f"Bearer {alice.token}", "Idempotency-Key": "k-secret-2"}
    answer = app.test_client().post(path, json=declared(), headers=headers)
    assert answer.status_code >= 500
    assert "k-secret" not in caplog.text
    assert signature["x-amz-signature"] not in caplog.text
    assert "x-amz-" not in caplog.text
