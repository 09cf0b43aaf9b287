"""Requests and answers in httpx' terms; the same for both drivers."""

import httpx

from broker_client.bodies import Body
from broker_client.steps import Answer, Request


def http_url(base_url: str) -> str:
    """Give the address without a slash at its end; raises ValueError where it is no http(s)."""
    try:
        scheme = httpx.URL(base_url).scheme
    except httpx.InvalidURL as error:
        raise ValueError(f"{base_url!r} is no address: {error}") from error
    if scheme not in ("http", "https"):
        raise ValueError(f"{base_url!r} is no address: it must begin with http:// or https://")
    return base_url.rstrip("/")


def headers_of(request: Request) -> dict[str, str]:
    """Give the request's headers; a streamed body's length with them.

    S3 takes no chunked bodies, and httpx chunks whatever has no Content-Length.
    """
    headers = dict(request.headers)
    if isinstance(request.body, Body):
        headers["Content-Length"] = str(request.body.length)
    return headers


def answer_of(response: httpx.Response) -> Answer:
    """Take what the rules look at."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=response.content)


def timeouts(seconds: float) -> httpx.Timeout:
    """Give the time that any one step on the network may take, not all of a request."""
    return httpx.Timeout(seconds, connect=min(seconds, 15.0), pool=None)
