"""Access to the app's parts and to the request itself, without Flask's proxies.

A function that reads several attributes takes the object once, because each access through a proxy
takes time (docs/decisions/speed.md).
"""

from typing import TYPE_CHECKING

import flask
from flask import Flask, Request

from broker.services.work import Broker

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals


def current() -> Broker:
    """Return the parts of the app that serves this request."""
    broker: Broker = current_app().extensions["broker"]
    return broker


def current_app() -> Flask:
    """Return the app that serves this request."""
    app: Flask = flask.current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def current_request() -> Request:
    """Return this request."""
    request: Request = flask.request._get_current_object()  # type: ignore[attr-defined]
    return request


def current_values() -> "_AppCtxGlobals":
    """Return what `flask.g` refers to: the values that are stored during this request."""
    values: _AppCtxGlobals = flask.g._get_current_object()
    return values
