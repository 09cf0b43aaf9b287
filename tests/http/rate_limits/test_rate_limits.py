"""Rate limits by user and by address, over all processes, and while the store is down."""

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from flask import Flask
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from broker.api.rate_limits import redis_store as redis_rate_limits
from broker.config import SettingsError
from tests.http.client import Client, at_once, token
from tests.http.uppy_calls import open_session, params
from tests.servers import installed_or_skip
from tests.servers.counters import Counters, counters

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]


@pytest.fixture
def store(counters_server: Counters) -> str:
    """Yield an empty store of the rate limits."""
    counters_server.client().flushall()
    return counters_server.url


@pytest.fixture
def limited(make_app: MakeApp, store: str) -> MakeApp:
    return lambda **changes: make_app(rate_limit_storage_url=store, **changes)


def refused(answer: TestResponse) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.get_json()["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) >= 1
    return True


def test_case_22_over_the_rate_limit(limited: MakeApp) -> None:
    app = limited(rate_limit_tickets="2/minute")
    alice, bob = Client(app, token(1)), Client(app, token(2))
    ad = alice.ad()
    assert [alice.ticket(ad).status_code for _ in range(2)] == [201, 201]
    third = alice.ticket(ad)
    assert refused(third)
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    assert "2 requests in 60 s" in third.get_json()["detail"]
    assert alice.get(f"/api/ads/{ad}/").status_code == 200, "other requests go on"
    assert bob.ticket(bob.ad()).status_code == 201, "other users go on"


def test_the_rate_limit_headers_follow_the_ietf_draft(limited: MakeApp) -> None:
    app = limited(rate_limit_user="5/minute", rate_limit_tickets="3/hour")
    alice = Client(app, token(1))
    ad = alice.ad()
    answer = alice.ticket(ad)
    assert answer.headers["RateLimit-Policy"] == (
        '"tickets";q=3;w=3600, "user";q=5;w=60, "address";q=3000;w=60'
    )
    left = answer.headers["RateLimit"].split(", ")
    assert [item.rpartition(";t=")[0] for item in left] == [
        '"tickets";r=2',
        '"user";r=3',
        '"address";r=2998',
    ]
    assert all(1 <= int(item.rpartition(";t=")[2]) <= 3600 for item in left)


def test_retry_after_is_the_end_of_the_last_exceeded_window(limited: MakeApp) -> None:
    app = limited(rate_limit_user="1/minute", rate_limit_tickets="1/hour")
    alice, service = Client(app, token(1)), Client(app, token(9, role="service"))
    ad = service.post("/api/ads/", {"title": "x", "price": "1.00"}).get_json()["id"]
    alice.ticket(ad)
    assert int(alice.ticket(ad).headers["Retry-After"]) > 3500


def test_a_new_window_allows_requests_again(limited: MakeApp, store: str) -> None:
    alice = Client(limited(rate_limit_user="1/minute"), token(1))
    assert alice.get("/api/users/1/").status_code == 200
    assert refused(alice.get("/api/users/1/"))
    (key,) = redis.Redis.from_url(store).keys("*:user/60:1")
    assert 0 < redis.Redis.from_url(store).pttl(key) <= 60_000
    redis.Redis.from_url(store).pexpire(key, 0)
    assert alice.get("/api/users/1/").status_code == 200


def test_two_apps_with_one_store_share_their_limits(limited: MakeApp) -> None:
    apps = iter([limited(rate_limit_user="20/minute") for _ in range(2)] * 20)
    statuses = at_once(40, lambda: Client(next(apps), token(1)).get("/api/users/1/").status_code)
    assert sorted(statuses) == [200] * 20 + [429] * 20


def test_addresses_are_limited_for_all_users_but_not_for_services(limited: MakeApp) -> None:
    app = limited(rate_limit_address="3/minute")
    anyone = Client(app, None)
    assert anyone.get("/api/ads/").status_code == 200
    with anyone.get("/web/app.js") as script:
        assert script.status_code == 200
    assert anyone.post("/api/ads/", {}).status_code == 401
    assert refused(anyone.get("/api/ads/"))
    assert refused(anyone.post("/api/ads/", {})), "instead of 401"
    assert refused(anyone.get("/no-such-path"))
    assert refused(Client(app, token(1)).get("/api/users/1/"))
    assert Client(app, token(9, role="service")).get("/api/users/1/").status_code in (200, 404)
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert anyone.get("/api/ads/", **elsewhere).status_code == 200


def test_an_ipv6_client_is_counted_by_its_network(limited: MakeApp) -> None:
    anyone = Client(limited(rate_limit_address="1/minute"), None)

    def of(address: str) -> TestResponse:
        return anyone.get("/api/profiles/", environ_base={"REMOTE_ADDR": address})

    assert of("2001:db8:1:1::1").status_code == 200
    assert refused(of("2001:db8:1:1:ffff::2"))
    assert of("2001:db8:1:2::1").status_code == 200
    assert of("192.0.2.1").status_code == 200
    assert refused(of("::ffff:192.0.2.1"))


def test_guessing_tokens_is_limited_without_limiting_others_at_the_address(
    limited: MakeApp, anyone: Client
) -> None:
    app = limited(rate_limit_guesses="2/minute", bucket_notifications_secret="e" * 32)
    forged = Client(app, token(1, secret="f" * 32))
    assert [forged.get("/api/users/1/").status_code for _ in range(2)] == [401, 401]
    assert refused(forged.get("/api/users/1/"))
    assert refused(Client(app, "e" * 31).post("/api/bucket_notifications/", {"Records": []}))
    assert refused(Client(app, None).get("/api/uppy/x.y/s3/params?filename=x&type=image/jpeg"))
    assert Client(app, token(1)).get("/api/users/1/").status_code == 200
    expired = Client(app, token(1, exp=1)).get("/api/users/1/")
    assert expired.get_json()["code"] == "token_expired", "an honest client must get to know"


def test_bucket_notifications_and_probes_are_never_limited(limited: MakeApp) -> None:
    app = limited(rate_limit_address="1/minute", bucket_notifications_secret="e" * 32)
    bucket, anyone = Client(app, "e" * 32), Client(app, None)
    for _ in range(3):
        answer = bucket.post("/api/bucket_notifications/", {"Records": []})
        assert answer.status_code != 429
        assert "RateLimit" not in answer.headers
        for path in ("/healthz", "/readyz", "/metrics"):
            assert anyone.get(path).status_code == 200
    assert anyone.call("OPTIONS", "/api/ads/").status_code == 200


def test_uppy_requests_count_for_the_user_of_the_endpoint(limited: MakeApp) -> None:
    app = limited(rate_limit_tickets="1/minute")
    alice, uppy = Client(app, token(1)), Client(app, None)
    first, second = (open_session(alice, alice.ad()) for _ in range(2))
    assert params(uppy, first).status_code == 200
    answer = params(uppy, second)
    assert refused(answer)
    assert answer.get_json()["error"], "which Uppy shows"


def test_pages_of_other_origins_can_read_a_refusal(limited: MakeApp) -> None:
    app = limited(rate_limit_user="1/minute", cors_origins=("https://shop.example",))
    alice = Client(app, token(1), {"Origin": "https://shop.example"})
    alice.get("/api/users/1/")
    answer = alice.get("/api/users/1/")
    assert refused(answer)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert {"Retry-After", "RateLimit"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_an_empty_limit_means_no_limit(limited: MakeApp) -> None:
    alice = Client(limited(rate_limit_user="", rate_limit_address=""), token(1))
    assert "RateLimit" not in alice.get("/api/users/1/").headers


def test_without_a_store_no_request_is_counted(make_app: MakeApp) -> None:
    alice = Client(make_app(rate_limit_user="1/minute"), token(1))
    assert [alice.get("/api/users/1/").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    "url", ["redis://u:canary@host?nonsense=1", "rediss://canary@host?ssl_cert_reqs=x"]
)
def test_an_unknown_option_of_the_store_stops_the_start(make_app: MakeApp, url: str) -> None:
    with pytest.raises(SettingsError, match="BROKER_RATE_LIMIT_STORAGE_URL") as error:
        make_app(rate_limit_storage_url=url)
    assert "canary" not in str(error.value)


@pytest.fixture
def own_store() -> Iterator[Counters]:
    with installed_or_skip(), counters() as server:
        yield server


def unchecked() -> float:
    return REGISTRY.get_sample_value("broker_rate_limit_unchecked_total") or 0.0


@pytest.mark.parametrize("fault", ["killed", "silent"])
def test_while_the_store_is_down_requests_are_answered_uncounted_and_fast(
    make_app: MakeApp,
    own_store: Counters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    monkeypatch.setattr(redis_rate_limits, "RETRY_SECONDS", 3600.0)
    alice = Client(
        make_app(rate_limit_storage_url=own_store.url, rate_limit_user="2/minute"), token(1)
    )
    assert alice.get("/api/users/1/").status_code == 200
    pid = own_store.pid()
    assert pid is not None
    if fault == "killed":
        own_store.stop()
    else:
        os.kill(pid, signal.SIGSTOP)
    try:
        before = unchecked()
        answers = [alice.get("/api/users/1/") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert "RateLimit" not in answers[-1].headers
        assert unchecked() == before + 4
        warnings = [r.getMessage() for r in caplog.records if "is away" in r.getMessage()]
        assert len(warnings) == 1, "once, not for each request"
        assert own_store.url not in caplog.text
    finally:
        if fault == "silent":
            os.kill(pid, signal.SIGCONT)


def test_when_the_store_is_back_requests_are_counted_again(
    make_app: MakeApp, own_store: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_rate_limits, "RETRY_SECONDS", 0.0)
    alice = Client(
        make_app(rate_limit_storage_url=own_store.url, rate_limit_user="1/minute"), token(1)
    )
    assert alice.get("/api/users/1/").status_code == 200
    own_store.stop()
    assert alice.get("/api/users/1/").status_code == 200
    own_store.start()
    assert alice.get("/api/users/1/").status_code == 200, "its counters are gone"
    assert refused(alice.get("/api/users/1/"))


def test_a_connection_to_a_store_that_became_a_replica_is_closed(
    make_app: MakeApp, own_store: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover the address leads to another server, but only for new connections."""
    monkeypatch.setattr(redis_rate_limits, "RETRY_SECONDS", 0.0)
    alice = Client(
        make_app(rate_limit_storage_url=own_store.url, rate_limit_user="1/minute"), token(1)
    )
    operator = own_store.client()

    def connections() -> set[str]:
        mine = str(operator.client_id())
        return {found["id"] for found in operator.client_list()} - {mine}

    assert alice.get("/api/users/1/").status_code == 200
    (before,) = connections()
    operator.replicaof("127.0.0.1", 1)
    assert alice.get("/api/users/1/").status_code == 200
    pause, tries = threading.Event(), 600
    while before in connections():  # wait until the server has noticed the close
        assert (tries := tries - 1) > 0
        pause.wait(0.1)
    operator.replicaof("NO", "ONE")
    assert refused(alice.get("/api/users/1/"))


def test_broker_dev_counts_in_memory(make_app: MakeApp) -> None:
    app = make_app(dev=True, rate_limit_storage_url="memory://", rate_limit_user="1/minute")
    alice = Client(app, token(1))
    assert alice.get("/api/users/1/").status_code == 200
    assert refused(alice.get("/api/users/1/"))


def test_an_answer_that_a_cache_may_show_to_others_does_not_tell_how_often_its_reader_asked(
    limited: MakeApp,
) -> None:
    headers = ("RateLimit", "RateLimit-Policy")
    stored = Client(limited(rate_limit_address="5/minute"), None).get("/api/ads/")
    assert "s-maxage" in stored.headers["Cache-Control"]
    assert not any(name in stored.headers for name in headers)
    anyone = Client(limited(rate_limit_address="5/minute", public_max_age=0), None)
    answers = [anyone.get("/api/ads/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    for answer in answers:
        assert all(name in answer.headers for name in headers)
        assert answer.headers["Cache-Control"] == "no-store"
