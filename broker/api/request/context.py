"""What a request works with, made once by `create_app`."""

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
    """The wired parts of one process."""

    settings: Settings
    limits: Limits
    database: Database
    storage: Storage


def current() -> Broker:
    """Give the parts of the app that serves this request."""
    broker: Broker = current_app.extensions["broker"]
    return broker


def request_itself() -> Request:
    """Give the request that Flask's `request` stands for, which looks it up at each name."""
    proxy: Any = request
    found: Request = proxy._get_current_object()
    return found


def utc_now() -> datetime:
    """Tell the time, aware and in UTC."""
    return datetime.now(UTC)
