"""The parts that requests use. `create_app` creates them once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Request, current_app, request

from broker.config import Settings
from broker.db.session import Database
from broker.domain.limits import Limits
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The parts of one process."""

    settings: Settings
    limits: Limits
    database: Database
    storage: Storage


def current() -> Broker:
    """Return the parts of the app that serves this request."""
    broker: Broker = current_app.extensions["broker"]
    return broker


def request_itself() -> Request:
    """Return the request behind Flask's proxy, which looks it up at each attribute access."""
    proxy: Any = request
    found: Request = proxy._get_current_object()
    return found


def utc_now() -> datetime:
    """Return the current time in UTC, with a time zone."""
    return datetime.now(UTC)
