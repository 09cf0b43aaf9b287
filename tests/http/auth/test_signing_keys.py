"""The issuer's keys: their age, their withdrawal, and a slow or unavailable issuer."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from broker.api.auth.jwks import RETRY_SECONDS, UNKNOWN_KID_SECONDS, KeySet, KeysUnavailable
from tests.http.auth.issuer import Issuer, eventually
from tests.http.client import Client, at_once

MAX_AGE = 600.0
# One database is enough, because these tests are about the keys.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    issuer.rotate("a")
    keys = KeySet(issuer.url, "ES256", max_age=MAX_AGE, clock=clock)
    assert keys.key("a") is not None
    return keys


def answer(keys: KeySet, kid: str) -> object:
    """Return a word for what the key set says about a `kid`."""
    try:
        return "unknown" if keys.key(kid) is None else "known"
    except KeysUnavailable:
        return "unavailable"


@pytest.fixture
def app_of(make_app: Callable[..., Flask], issuer: Issuer, clock: Clock) -> Callable[[], Flask]:
    """Return a function that creates an app with the issuer's keys and the test's clock."""

    def make() -> Flask:
        app = make_app(jwt_algorithm="ES256", jwt_secret=None, jwt_jwks_url=issuer.url)
        app.extensions["signing_keys"] = KeySet(issuer.url, "ES256", max_age=MAX_AGE, clock=clock)
        return app

    return make


def status_and_code(client: Client) -> tuple[int, str | None]:
    answer = client.get("/api/users/1/")
    return answer.status_code, answer.get_json().get("code")


@ON_SQLITE
def test_report_06_tokens_of_a_withdrawn_key_are_refused_even_if_they_were_cached(
    app_of: Callable[[], Flask], issuer: Issuer, clock: Clock
) -> None:
    issuer.rotate("old")
    issuer.rotate("new")
    app = app_of()
    stolen, good = Client(app, issuer.token("old")), Client(app, issuer.token("new"))
    assert stolen.get("/api/users/1/").status_code == 200
    assert good.get("/api/users/1/").status_code == 200
    del issuer.keys["old"]
    clock.now += MAX_AGE / 2
    # A token that is not cached reads the keys, which are due for a refresh by now.
    assert Client(app, issuer.token("new", jti="1")).get("/api/users/1/").status_code == 200
    eventually(lambda: stolen.get("/api/users/1/").status_code == 401)
    assert good.get("/api/users/1/").status_code == 200
    assert issuer.asked == 2


@ON_SQLITE
def test_report_06_an_empty_key_set_removes_all_keys(
    app_of: Callable[[], Flask], issuer: Issuer, clock: Clock
) -> None:
    issuer.rotate("a")
    client = Client(app_of(), issuer.token("a"))
    assert client.get("/api/users/1/").status_code == 200
    issuer.keys.clear()
    clock.now += MAX_AGE
    eventually(lambda: status_and_code(client) == (401, "token_invalid"))
    assert issuer.asked == 2


@ON_SQLITE
@pytest.mark.parametrize("fault", ["down", "hangs_up", "no keys"])
def test_report_06_keys_end_at_their_maximum_age_if_the_issuer_is_away(
    app_of: Callable[[], Flask], issuer: Issuer, clock: Clock, fault: str
) -> None:
    issuer.rotate("a")
    client = Client(app_of(), issuer.token("a"))
    assert client.get("/api/users/1/").status_code == 200
    if fault == "no keys":
        issuer.body = b'{"error": "maintenance"}'
    else:
        setattr(issuer, fault, True)
    clock.now += MAX_AGE - 1
    assert client.get("/api/users/1/").status_code == 200
    clock.now += 1
    refused = client.get("/api/users/1/")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "keys_unavailable")
    assert 1 <= int(refused.headers["Retry-After"]) <= RETRY_SECONDS
    eventually(lambda: issuer.asked == 2)
    issuer.down = issuer.hangs_up = False
    issuer.body = None

    def works_again() -> bool:
        clock.now += RETRY_SECONDS
        return client.get("/api/users/1/").status_code == 200

    eventually(works_again)


@ON_SQLITE
@pytest.mark.parametrize("fault", ["down", "hangs_up"])
def test_while_the_issuer_returns_no_keys_a_token_is_not_called_invalid(
    app_of: Callable[[], Flask], issuer: Issuer, clock: Clock, fault: str
) -> None:
    """Otherwise clients would sign their users out."""
    issuer.rotate("a")
    setattr(issuer, fault, True)
    app = app_of()
    alice = Client(app, issuer.token("a"))
    for path in ("/api/users/1/", "/api/ads/"):
        refused = alice.get(path)
        assert (refused.status_code, refused.get_json()["code"]) == (503, "keys_unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
    assert Client(app, None).get("/api/ads/").status_code == 200
    setattr(issuer, fault, False)
    clock.now += RETRY_SECONDS
    eventually(lambda: alice.get("/api/users/1/").status_code == 200)


def test_report_06_keys_are_refreshed_without_any_request(issuer: Issuer) -> None:
    issuer.rotate("a")
    keys = KeySet(issuer.url, "ES256", max_age=0.1)

    def loaded() -> Any:
        # On a busy machine, a download may take longer than its keys are valid.
        with contextlib.suppress(KeysUnavailable):
            return keys.key("a")

    key = eventually(loaded)
    eventually(lambda: issuer.asked >= 4)
    # The same key stays the same object, so that cached tokens stay valid.
    eventually(lambda: keys.holds("a", key))
    del issuer.keys["a"]
    eventually(lambda: not keys.holds("a", key))


def test_report_06_unknown_kids_and_a_slow_issuer_make_nobody_wait(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    issuer.answering.clear()
    clock.now += UNKNOWN_KID_SECONDS
    started = time.monotonic()
    strangers = at_once(20, lambda: answer(keys, f"{threading.get_ident()}"))
    assert strangers == ["unavailable"] * 20
    assert answer(keys, "a") == "known"
    assert time.monotonic() - started < 1
    eventually(lambda: issuer.asked == 2)
    issuer.answering.set()
    eventually(lambda: answer(keys, "b") == "unknown")
    assert issuer.asked == 2


def test_report_06_after_the_maximum_age_nobody_waits_for_a_slow_issuer(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    issuer.answering.clear()
    clock.now += MAX_AGE
    started = time.monotonic()
    assert at_once(20, lambda: answer(keys, "a")) == ["unavailable"] * 20
    assert time.monotonic() - started < 1
    issuer.answering.set()
    eventually(lambda: answer(keys, "a") == "known")


def test_report_06_an_unknown_kid_starts_at_most_one_download_in_ten_seconds(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    issuer.rotate("b")
    assert [answer(keys, "b") for _ in range(5)] == ["unknown"] * 5
    assert issuer.asked == 1
    clock.now += UNKNOWN_KID_SECONDS
    assert answer(keys, "b") == "unavailable"
    eventually(lambda: answer(keys, "b") == "known")
    assert [answer(keys, "c") for _ in range(5)] == ["unknown"] * 5
    assert issuer.asked == 2


def test_an_unknown_kid_is_not_called_invalid_while_the_issuer_is_away(
    keys: KeySet, issuer: Issuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise clients would sign their users out."""
    issuer.down = True
    clock.now += UNKNOWN_KID_SECONDS
    assert answer(keys, "b") == "unavailable"
    eventually(lambda: "cannot be fetched" in caplog.text)
    assert answer(keys, "b") == "unavailable"
    assert answer(keys, "a") == "known"
    assert issuer.asked == 2
    issuer.down = False
    clock.now += RETRY_SECONDS
    assert answer(keys, "b") == "unavailable"
    eventually(lambda: answer(keys, "b") == "unknown")
    assert issuer.asked == 3


@pytest.mark.parametrize(
    "odd",
    [b"", b"<html>", b"[]", b"{}", b'{"keys": null}', b"[" * 100_000, b" " * 2_000_000 + b"{}"],
    ids=["empty", "html", "list", "no keys", "null", "nested", "long"],
)
def test_an_answer_that_is_no_key_set_changes_nothing(
    keys: KeySet, issuer: Issuer, clock: Clock, odd: bytes
) -> None:
    issuer.body = odd
    clock.now += UNKNOWN_KID_SECONDS
    assert answer(keys, "b") == "unavailable"
    eventually(lambda: issuer.asked == 2)
    assert answer(keys, "a") == "known"
    assert answer(keys, "b") == "unavailable"


def test_a_key_that_cannot_be_used_does_not_hide_the_others(issuer: Issuer) -> None:
    issuer.rotate("a")
    good = issuer.published().decode().removeprefix('{"keys": [').removesuffix("]}")
    odd = ["1", "{}", '{"kty": "EC", "kid": {}}', '{"kty": "RSA", "kid": "r"}', '{"kty": []}']
    odd += ['{"kty": "EC", "alg": [], "kid": "x"}', good.replace('"a"', '"e", "use": "enc"')]
    issuer.body = f'{{"keys": [{", ".join([*odd, good])}]}}'.encode()
    keys = KeySet(issuer.url, "ES256", max_age=MAX_AGE)
    assert answer(keys, "a") == "known"
    assert answer(keys, "r") == answer(keys, "x") == answer(keys, "e") == "unknown"


def test_a_stopped_key_set_keeps_its_keys_until_they_are_too_old(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    keys.stop()
    clock.now += MAX_AGE - 1
    assert answer(keys, "a") == "known"
    clock.now += 1
    assert answer(keys, "a") == "unavailable"
    assert issuer.asked == 1


FORKING = """
import contextlib, os, sys, time
from broker.api.auth.jwks import KeysUnavailable, KeySet
keys = KeySet(sys.argv[1], "ES256", max_age=0.1)
def load():
    # On a busy machine a key may end before it is read.
    for _ in range(1000):
        with contextlib.suppress(KeysUnavailable):
            return keys.key("a")
        time.sleep(0.01)
load()
if os.fork():
    keys.stop()
    print("stopped", flush=True)
    os.wait()
else:
    load()
    sys.stdin.read()
"""


def test_report_06_a_forked_process_refreshes_its_keys_itself(issuer: Issuer) -> None:
    issuer.rotate("a")
    command = [sys.executable, "-c", FORKING, issuer.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"stopped\n"
        asked = issuer.asked
        eventually(lambda: issuer.asked >= asked + 3)
        parent.communicate()
    assert parent.returncode == 0
