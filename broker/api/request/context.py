"""Access to the app's parts during a request."""

from typing import Any

from flask import Request, current_app, request

from broker.services.work import Broker


def current() -> Broker:
    """Return the parts of the app that serves this request."""
    broker: Broker = current_app.extensions["broker"]
    return broker


def request_itself() -> Request:
    """Return the request behind Flask's proxy, which looks it up at each attribute."""
    proxy: Any = request
    found: Request = proxy._get_current_object()
    return found
