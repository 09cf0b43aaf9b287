"""Refresh tokens and tokens with other purposes are refused; a setting requires a type."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask

from tests.http.client import SECRET, Client, token

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REFUSED = (401, "The token is not an access token.")


def simplejwt(token_type: str, **further: Any) -> str:
    """Create a token with the claims of djangorestframework-simplejwt 5.5, USER_ID_CLAIM = sub."""
    now = int(time.time())
    claims = {"token_type": token_type, "exp": now + 300, "iat": now, "jti": "5a7c", "sub": "1"}
    return jwt.encode(claims | further, SECRET, "HS256")


def typed(typ: object) -> str:
    """Create a token with this `typ` in its header; None leaves it out."""
    claims = {"sub": "1", "exp": int(time.time()) + 300}
    return jwt.encode(claims, SECRET, "HS256", headers={"typ": typ})


def answer(app: Flask, bearer: str) -> tuple[int, str | None]:
    got = Client(app, bearer).get("/api/users/1/")
    return got.status_code, got.get_json().get("detail")


def test_report_07_a_refresh_token_of_simplejwt_is_refused(app: Flask) -> None:
    assert answer(app, simplejwt("access")) == (200, None)
    assert answer(app, simplejwt("refresh")) == REFUSED
    assert answer(app, simplejwt("sliding", refresh_exp=int(time.time()) + 900)) == REFUSED


@pytest.mark.parametrize(
    "claim", [{"token_type": 1}, {"token_type": ["access"]}, {"type": "refresh"}]
)
def test_report_07_a_token_with_another_purpose_is_refused(
    app: Flask, claim: dict[str, Any]
) -> None:
    assert answer(app, token(1, **claim)) == REFUSED


@pytest.mark.parametrize("typ", ["rt+jwt", "logout+jwt", "application/rt+jwt", 1, ["JWT"]])
def test_report_07_a_typ_of_another_purpose_is_refused(app: Flask, typ: object) -> None:
    assert answer(app, typed(typ)) == REFUSED


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_typ_of_an_access_token_is_accepted(app: Flask, typ: str | None) -> None:
    assert answer(app, typed(typ)) == (200, None)


def test_the_token_type_of_oauth_is_accepted(app: Flask) -> None:
    assert answer(app, token(1, token_type="Bearer")) == (200, None)


def test_report_07_a_setting_requires_the_typ_of_access_tokens(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(jwt_token_type="typ=at+jwt")
    assert answer(app, typed("application/AT+JWT")) == (200, None)
    assert answer(app, typed("JWT")) == answer(app, typed(None)) == REFUSED
    refresh = jwt.encode(
        {"sub": "1", "exp": int(time.time()) + 300, "token_type": "refresh"},
        SECRET,
        headers={"typ": "at+jwt"},
    )
    assert answer(app, refresh) == REFUSED


def test_report_07_a_setting_requires_a_claim(make_app: Callable[..., Flask]) -> None:
    app = make_app(jwt_token_type="token_type=access")
    assert answer(app, simplejwt("access")) == (200, None)
    assert answer(app, simplejwt("Bearer")) == answer(app, token(1)) == REFUSED
    app = make_app(jwt_token_type="token_use=access")
    assert answer(app, token(1, token_use="access")) == (200, None)
    assert answer(app, token(1, token_use="id")) == answer(app, token(1)) == REFUSED


def test_report_07_a_setting_accepts_sliding_tokens(make_app: Callable[..., Flask]) -> None:
    app = make_app(jwt_token_type="token_type=sliding")
    assert answer(app, simplejwt("sliding")) == (200, None)
    assert answer(app, simplejwt("refresh")) == REFUSED


@pytest.mark.parametrize("required", ["typ=at+jwt", "token_type=access"])
def test_the_page_of_broker_dev_gets_a_token_of_the_required_type(
    make_app: Callable[..., Flask], required: str
) -> None:
    app = make_app(dev=True, jwt_token_type=required)
    bearer = app.test_client().get("/dev/token").get_json()["token"]
    assert answer(app, bearer) == (200, None)
