"""A Flask subclass that skips coroutine views and session cookies, which this API does not use.

Flask checks for both in every request: it calls `ensure_sync` for each view, and asks the session
interface to open a session.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface


class NoSessions(SessionInterface):
    """A session interface that opens the same empty, read-only session for every request."""

    def __init__(self) -> None:
        self._session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the empty session."""
        return self._session


class SyncFlask(Flask):
    """A Flask app without coroutine views and sessions."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged: no view is a coroutine."""
        return func
