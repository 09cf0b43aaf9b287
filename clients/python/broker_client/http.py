"""Requests and answers in httpx's terms, for both runners."""

import httpx

from broker_client.bodies import Body
from broker_client.steps import Answer, Request


def http_url(base_url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        ValueError: the address is not http or https.
    """
    try:
        scheme = httpx.URL(base_url).scheme
    except httpx.InvalidURL as error:
        raise ValueError(f"{base_url!r} is not a valid address: {error}") from error
    if scheme not in ("http", "https"):
        raise ValueError(
            f"{base_url!r} is not a valid address: it must begin with http:// or https://"
        )
    return base_url.rstrip("/")


def headers_of(request: Request) -> dict[str, str]:
    """Return the request's headers, with the length of a streamed body.

    S3 does not accept chunked bodies, and httpx sends a body without Content-Length in chunks.
    """
    headers = dict(request.headers)
    if isinstance(request.body, Body):
        headers["Content-Length"] = str(request.body.length)
    return headers


def answer_of(response: httpx.Response) -> Answer:
    """Return status, headers and body of a response."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=response.content)


def timeouts(seconds: float) -> httpx.Timeout:
    """Return httpx's timeouts. They limit each network operation, not the whole request."""
    return httpx.Timeout(seconds, connect=min(seconds, 15.0), pool=None)
