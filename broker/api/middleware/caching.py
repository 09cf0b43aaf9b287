"""Which answers a cache may store, and 304 for a client that has the current one.

Owners and strangers read the same URLs, and only owners see emails and file names. So a shared
cache may store what a request without `Authorization` gets, and nothing else. `Vary` keeps the two
apart (RFC 9111, sections 3.5 and 4.1).
"""

import hashlib

from flask import Flask, Request, Response

from broker.api.request.context import current_request, current_values
from broker.api.request.view_marks import view_has
from broker.config import Settings

# Responses that only their caller may see, such as tickets, profiles and tokens.
PERSONAL = ("/api/", "/dev/")
NOT_STORED = "no-store"
PRIVATE = "private, no-store"
READS = ("GET", "HEAD")
OK, NOT_MODIFIED = 200, 304
ETAG_BYTES = 16
# They count the requests of one address, which is not the address of the cache's next reader.
OF_ONE_READER = ("RateLimit", "RateLimit-Policy")


def init_app(app: Flask, settings: Settings) -> None:
    """Add the headers to every response; set 304 if the client has the answer to a public read."""
    max_age = settings.public_max_age
    # Browsers ask each time, and mostly get 304.
    public = f"public, max-age=0, s-maxage={max_age}"
    # Also for unknown origins: a cache must not mix responses of different origins.
    by_origin = ["Origin"] if settings.cors_origins else []
    by_token = [*by_origin, "Authorization"]

    def add(response: Response) -> Response:
        request = current_request()
        is_public_read = request.method in READS and view_has("is_public_read")
        _add_vary(response, by_token if is_public_read else by_origin)
        if is_public_read:
            if "HTTP_AUTHORIZATION" in request.environ:
                response.headers["Cache-Control"] = PRIVATE
                return response
            if max_age and response.status_code == OK:
                response.headers["Cache-Control"] = public
                _add_etag(request, response)
                return response
        if request.path.startswith(PERSONAL):
            response.headers["Cache-Control"] = NOT_STORED
        return response

    app.after_request(add)


def _add_vary(response: Response, names: list[str]) -> None:
    if not names:
        return
    if "Vary" in response.headers:
        response.vary.update(names)
    else:
        # Werkzeug's set takes 20 µs.
        response.headers["Vary"] = ", ".join(names)


def _add_etag(request: Request, response: Response) -> None:
    """Add a strong ETag; set 304 if `If-None-Match` has it (RFC 9110, section 13.1.2)."""
    if "rate_limit" in current_values():
        for name in OF_ONE_READER:
            response.headers.remove(name)
    etag = hashlib.sha256(response.get_data()).hexdigest()[: 2 * ETAG_BYTES]
    response.headers["ETag"] = f'"{etag}"'
    if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(etag):
        # Werkzeug sends neither the body nor its headers.
        response.status_code = NOT_MODIFIED
