"""Flask without what this API has none of: views that are coroutines, and sessions in cookies.

Flask looks for both at each request, through every wrapper of a view.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface


class NoSessions(SessionInterface):
    """Opens the one session that keeps nothing and says so to whom writes into it."""

    def __init__(self) -> None:
        self._session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """See SessionInterface."""
        return self._session


class LeanFlask(Flask):
    """A Flask app of plain functions."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is."""
        return func
