"""Call a WSGI app directly, to measure a request without an HTTP server."""

import io
import json
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder


class Call:
    """One request that can be sent repeatedly: an anonymous GET, or a POST with token and JSON."""

    def __init__(
        self, app: Flask, path: str, token: str | None = None, body: object = None
    ) -> None:
        self._app = app
        self._body = b"" if token is None else json.dumps(body).encode()
        builder = EnvironBuilder(path=path)
        if token is not None:
            builder = EnvironBuilder(
                path=path,
                method="POST",
                headers=[("Authorization", f"Bearer {token}")],
                content_type="application/json",
                data=self._body,
            )
        self._environ: dict[str, Any] = builder.get_environ()

    def __call__(self) -> bytes:
        """Send the request; raise RuntimeError if it fails."""
        status = ""

        def start_response(line: str, _headers: Any, _error: Any = None) -> Any:
            nonlocal status
            status = line
            return lambda _data: None

        environ = self._environ | {"wsgi.input": io.BytesIO(self._body)}
        answer = self._app.wsgi_app(environ, start_response)
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not status.startswith("2"):
            raise RuntimeError(f"{status}: {content[:500]!r}")
        return content

    def json(self) -> Any:
        """Send the request and return the JSON of the answer."""
        return json.loads(self())
