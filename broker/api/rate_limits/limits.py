"""Rate limits by user and by address, their response headers, and 429.

The headers follow draft-ietf-httpapi-ratelimit-headers-11. Each request is counted once, in one
round trip, when the caller's id is known and before the view uses the database.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request
from limits import parse

from broker.api.problems.handlers import ApiError, handle_broker_error
from broker.api.rate_limits.counts import Count, StoreUnavailable
from broker.api.rate_limits.store import Store, make_store
from broker.api.request.context import current_app
from broker.api.request.view_marks import view_has
from broker.config import Settings
from broker.domain.principal import Principal, Role
from broker.telemetry.metrics import RATE_LIMIT_UNCHECKED, RATE_LIMITED

# Codes that suggest guessed credentials. Honest clients send expired tokens, too.
GUESSED = frozenset({"token_invalid", "events_secret_invalid", "capability_invalid"})


@dataclass(frozen=True)
class Policy:
    """At most `quota` requests for each key in a window of `window` seconds."""

    name: str
    quota: int
    window: int


class RateLimited(ApiError):
    """A policy is exceeded. `retry_after` is the number of seconds until its window ends."""

    def __init__(self, policy: Policy, retry_after: int) -> None:
        super().__init__(
            "rate_limited",
            f"The rate limit {policy.name} allows {policy.quota} requests in {policy.window} s.",
        )
        self.retry_after = retry_after


class RateLimits:
    """The policies, and the store that processes share."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._prefix = f"broker:{settings.s3_bucket}"
        self.user = _policy("user", settings.rate_limit_user)
        self.tickets = _policy("tickets", settings.rate_limit_tickets)
        self.address = _policy("address", settings.rate_limit_address)
        self.guesses = _policy("guesses", settings.rate_limit_guesses)

    def count(self, asked: list[tuple[Policy | None, str]]) -> list[tuple[Policy, Count]]:
        """Count this request for each configured policy. Return nothing if the store is down."""
        wanted = [(policy, key) for policy, key in asked if policy is not None]
        if not wanted:
            return []
        keys = [f"{self._prefix}:{policy.name}/{policy.window}:{key}" for policy, key in wanted]
        try:
            counts = self._store.count(keys, [policy.window for policy, _ in wanted])
        except StoreUnavailable:
            RATE_LIMIT_UNCHECKED.inc()
            return []
        return [(policy, count) for (policy, _), count in zip(wanted, counts, strict=True)]


def _policy(name: str, text: str | None) -> Policy | None:
    if text is None:
        return None
    item = parse(text)
    return Policy(name, item.amount, item.get_expiry())


def init_app(app: Flask, settings: Settings) -> None:
    """Register the rate limits. Call it last, so that flask-cors also sees a 429."""
    if settings.rate_limit_storage_url is None:
        return
    store = make_store(settings.rate_limit_storage_url.get_secret_value())
    app.extensions["rate_limits"] = RateLimits(settings, store)
    app.before_request(_count_plain)
    app.after_request(_finish)


def count_request(caller: Principal | None) -> None:
    """Count this request. If there is no caller, count it only for its address.

    Backends with role `service` are not limited, because they act for all users from one address.

    Raises:
        RateLimited: a policy is exceeded.
    """
    limits: RateLimits | None = current_app().extensions.get("rate_limits")
    if limits is None or "rate_limit" in g:
        return
    g.rate_limit = []
    if caller is not None and caller.role is Role.SERVICE:
        return
    asked = [(limits.address, _address())]
    if caller is not None:
        user = str(caller.user_id)
        asked.insert(0, (limits.user, user))
        if view_has("issues_tickets"):
            asked.insert(0, (limits.tickets, user))
    _count(limits, asked)


def spare_request() -> None:
    """Do not count this request. It is a bucket notification with the correct secret."""
    g.rate_limit = []


def _count(limits: RateLimits, asked: list[tuple[Policy | None, str]]) -> None:
    g.rate_limit = limits.count(asked)
    exceeded = [(policy, count) for policy, count in g.rate_limit if count.used > policy.quota]
    if exceeded:
        policy, count = max(exceeded, key=lambda found: found[1].seconds_left)
        RATE_LIMITED.labels(policy.name).inc()
        raise RateLimited(policy, count.seconds_left)


def _count_plain() -> None:
    """Count requests for views without authentication, such as pages and unknown paths."""
    if view_has("is_probe") or request.method == "OPTIONS":
        g.rate_limit = []
        return
    view: Callable[..., Any] | None = current_app().view_functions.get(request.endpoint or "")
    if getattr(view, "auth", None) is None:
        count_request(None)


def _finish(response: Response) -> Response:
    """Count a request that failed before its caller was known, and add the headers."""
    if "rate_limit" not in g:
        limits: RateLimits = current_app().extensions["rate_limits"]
        asked = [(limits.address, _address())]
        if g.get("problem_code") in GUESSED:
            asked.insert(0, (limits.guesses, _address()))
        try:
            _count(limits, asked)
        except RateLimited as error:
            response = handle_broker_error(error)
    if g.rate_limit:
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{policy.name}";q={policy.quota};w={policy.window}' for policy, _ in g.rate_limit
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{policy.name}";r={max(0, policy.quota - count.used)};t={count.seconds_left}'
            for policy, count in g.rate_limit
        )
    return response


def _address() -> str:
    """Return the client's address; for IPv6 its /64 network, because each client gets a /64."""
    text = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "local"  # the peer of a Unix socket has no address
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
