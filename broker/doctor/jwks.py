"""Check the issuer's published keys (RFC 7517): they load, and one suits the algorithm."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from jwt import PyJWKSet
from jwt.exceptions import PyJWKError, PyJWKSetError

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.doctor.tokens import WANTED, unusable_kind

CHECK = "jwks"
SETTING = "BROKER_JWT_JWKS_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Fetch the keys, as the broker does."""
    url, algorithm = examination.settings.jwt_jwks_url, examination.settings.jwt_algorithm
    if url is None:
        yield skip(CHECK, f"{SETTING} is not set")
        return
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable as error:
        yield fail(
            CHECK,
            f"{url} does not answer, so new keys cannot be loaded: {error}",
            setting=SETTING,
            fix=f"set {SETTING} to the URL of the issuer's keys",
        )
        return
    try:
        if not answer.succeeded:
            raise ValueError(f"it answers {answer.status}")
        found = json.loads(answer.body)
        if found.get("keys") == []:
            yield fail(
                CHECK,
                f"{url} publishes no keys, so every token is refused",
                setting=SETTING,
                fix=f"let the issuer publish a key, or set {SETTING} to its jwks_uri",
            )
            return
        keys = PyJWKSet.from_dict(found).keys
    except (ValueError, TypeError, AttributeError, PyJWKError, PyJWKSetError):
        yield fail(
            CHECK,
            f"{url} answers {answer.status}, but not with a set of keys",
            setting=SETTING,
            fix=f"set {SETTING} to the issuer's jwks_uri",
        )
        return
    usable = [
        jwk
        for jwk in keys
        if unusable_kind(jwk.key, algorithm) is None and jwk.public_key_use != "enc"
    ]
    if not usable:
        yield fail(
            CHECK,
            f"none of its {len(keys)} keys is {WANTED[algorithm]}, as {algorithm} needs",
            setting=SETTING,
            fix="correct BROKER_JWT_ALGORITHM, or let the issuer publish such a key",
        )
    elif urlsplit(url).scheme == "http" and urlsplit(url).hostname not in (
        "localhost",
        "127.0.0.1",
    ):
        yield warn(
            CHECK,
            "the keys are loaded over http, so an attacker on the network can replace them",
            setting=SETTING,
            fix=f"set {SETTING} to an https URL",
        )
    else:
        yield ok(CHECK, f"{len(usable)} of {len(keys)} keys can be used with {algorithm}")
