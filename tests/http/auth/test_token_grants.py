"""The grants of a token reach the view, for each request and for each token."""

import time
from typing import Any

import jwt
import pytest
from flask import Flask

from broker.domain.principal import Principal
from tests.http.auth.seen import ask, record_principals
from tests.http.client import SECRET
from tests.http.owners.granted import entry

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def granted(*owners: Any) -> list[dict[str, Any]]:
    return [entry(owner) for owner in owners]


def signed(claim: Any, **claims: Any) -> str:
    body = {"sub": "auth0|ada", "exp": 2**31, "authorization_details": claim, **claims}
    return jwt.encode(body, SECRET, "HS256")


@pytest.fixture
def seen(app: Flask) -> list[Principal]:
    return record_principals(app)


def test_two_tokens_of_a_user_keep_their_own_grants(app: Flask, seen: list[Principal]) -> None:
    exp = int(time.time()) + 60
    tokens = [signed(granted("42"), exp=exp), signed(granted("43")), signed([])]
    for _ in ("verified", "from the cache"):
        assert [ask(app, bearer) for bearer in tokens] == [200, 200, 200]
    owners = [[owner for _, owner in caller.grants.actions] for caller in seen]
    assert owners == [["42"], ["43"], []] * 2
    assert [caller.expires_at for caller in seen] == [exp, 2**31, 2**31] * 2
    assert len({caller.user_id for caller in seen}) == 1


def test_a_malformed_grant_does_not_refuse_the_token_and_is_logged_once(
    app: Flask, seen: list[Principal], caplog: pytest.LogCaptureFixture
) -> None:
    bearer = signed(granted(42, "42"))
    assert [ask(app, bearer), ask(app, bearer)] == [200, 200]
    assert [list(caller.grants.actions) for caller in seen] == [[("product_image", "42")]] * 2
    (line,) = [record for record in caplog.records if record.name == "broker.grants"]
    assert line.__dict__["grants"] == {"owner_invalid": [0]}


@pytest.mark.parametrize("depth", [10, 20_000])
def test_a_deeply_nested_claim_is_never_a_server_error(
    app: Flask, seen: list[Principal], depth: int
) -> None:
    claims = '{"sub": "1", "exp": 2000000000, "authorization_details": %s}'
    nested = (claims % ("[" * depth + "]" * depth)).encode()
    bearer = jwt.api_jws.encode(nested, SECRET, "HS256")
    assert ask(app, bearer) in (200, 401)
    assert all(not caller.grants.actions for caller in seen)
