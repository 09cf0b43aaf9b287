"""A Flask subclass that skips what this API does not use.

For each view Flask calls `ensure_sync`, because it could be a coroutine, and it asks the session
interface to open a session. For each response Werkzeug copies the headers, looks for those that it
may have to correct, and wraps the body in an iterator, which takes 6 µs.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Headers with URLs that Werkzeug completes.
URL_HEADERS = frozenset({"location", "content-location"})


class NoSessions(SessionInterface):
    """A session interface that opens the same empty, read-only session for every request."""

    def __init__(self) -> None:
        self._session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the empty session."""
        return self._session


class PlainResponse(Response):
    """A response that skips Werkzeug's corrections if there are none to make."""

    def get_wsgi_response(
        self, environ: "WSGIEnvironment"
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return the body, the status and the headers.

        A body of bytes with its length is returned unchanged. HEAD, 1xx, 204 and 304 have no body.
        """
        headers = self.headers.to_wsgi_list()
        names = {name.lower() for name, _ in headers}
        has_body = self.status_code >= 200 and self.status_code not in (204, 304)
        match self.response:
            case [bytes()] if (
                has_body
                and environ["REQUEST_METHOD"] != "HEAD"
                and "content-length" in names
                and names.isdisjoint(URL_HEADERS)
                and not self._on_close
            ):
                return self.response, self.status, headers
        return super().get_wsgi_response(environ)


class SyncFlask(Flask):
    """A Flask app without coroutine views and sessions."""

    response_class = PlainResponse
    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged: no view is a coroutine."""
        return func
