"""Access to the app's parts during a request."""

from flask import current_app

from broker.services.work import Broker


def current() -> Broker:
    """Return the parts of the app that serves this request."""
    broker: Broker = current_app.extensions["broker"]
    return broker
