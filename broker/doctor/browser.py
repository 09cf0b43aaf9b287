"""The doctor's HTTP client: no credentials, short timeouts.

The broker's boto3 client refuses to send objects, on purpose. This client works like a browser or a
phone.
"""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from urllib3 import (
    HTTPHeaderDict,
    PoolManager,
    ProxyManager,
    Retry,
    Timeout,
    encode_multipart_formdata,
)
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from broker.storage.proxies import proxy_for

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 4.0
BODY_MAX_BYTES = 256 * 1024
MAX_REDIRECTS = 3
USER_AGENT = "broker-doctor"


class Unreachable(Exception):
    """There was no HTTP answer; the message says which step failed."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The status, the case-insensitive headers and the beginning of the body of an answer."""

    status: int
    headers: HTTPHeaderDict = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty if there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def code(self) -> str | None:
        """The S3 error code; None if the body is not an S3 error."""
        return self.element("Code") if b"<Error" in self.body else None

    @property
    def summary(self) -> str:
        """The status and the S3 error code, for a finding."""
        return f"{self.status} {self.code}" if self.code else str(self.status)

    def element(self, name: str) -> str | None:
        """Return the text of an XML element. Untrusted XML does not go through a parser."""
        pattern = rf"<{name}>([^<]{{1,200}})</{name}>"
        found = re.search(pattern, self.body.decode("utf-8", "replace"))
        return found[1] if found else None


class Browser:
    """Sends requests. It follows redirects only on request and keeps no cookies.

    Args:
        ca_bundle: a file of certificates to trust instead of the system's.
        detour: a URL, and another address. Requests to the URL's host or its subdomains go to
            the address, with their Host header unchanged because S3 signatures cover it.
    """

    def __init__(self, ca_bundle: str | None = None, detour: tuple[str, str] | None = None) -> None:
        self._ca_bundle = ca_bundle
        self._detour = detour

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        follow: bool = False,
    ) -> Answer:
        """Send one request; raise Unreachable if there is no answer."""
        address, host = self._route(url)
        retries = Retry(total=MAX_REDIRECTS, connect=0, read=0) if follow else False
        try:
            with self._pool(address) as pool:
                response = pool.request(
                    method,
                    address,
                    headers={"User-Agent": USER_AGENT, **host, **(headers or {})},
                    body=body,
                    retries=retries,
                    redirect=follow,
                    preload_content=False,
                )
                answer = Answer(
                    status=response.status,
                    headers=response.headers,
                    body=response.read(BODY_MAX_BYTES),
                )
                response.close()
                return answer
        except (HTTPError, OSError) as error:
            raise Unreachable(reason(error)) from error

    def post_form(
        self, url: str, fields: Mapping[str, str], file: bytes, *, headers: Mapping[str, str]
    ) -> Answer:
        """Send a form as a page does, the file last; raise Unreachable if there is no answer."""
        photo = {"file": ("photo", file, "application/octet-stream")}
        body, content_type = encode_multipart_formdata({**fields, **photo})
        return self.send("POST", url, headers={**headers, "Content-Type": content_type}, body=body)

    def _route(self, url: str) -> tuple[str, dict[str, str]]:
        """Return the URL to request instead of this one, and the Host header if it differs."""
        if self._detour is None:
            return url, {}
        meant, at, parts = urlsplit(self._detour[0]), urlsplit(self._detour[1]), urlsplit(url)
        if parts.netloc != meant.netloc and not parts.netloc.endswith(f".{meant.netloc}"):
            return url, {}
        there = parts._replace(scheme=at.scheme, netloc=at.netloc)
        return there.geturl(), {"Host": parts.netloc}

    def _pool(self, url: str) -> PoolManager:
        timeout = Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS)
        if proxy := proxy_for(url):
            return ProxyManager(
                proxy.url,
                proxy_headers=proxy.headers,
                timeout=timeout,
                ca_certs=self._ca_bundle,
            )
        return PoolManager(timeout=timeout, ca_certs=self._ca_bundle)


def reason(error: HTTPError | OSError) -> str:
    """Return the name of the step of a connection that failed: name, TCP, TLS or HTTP."""
    error = getattr(error, "reason", None) or error  # retries after redirects wrap it
    if isinstance(error, NameResolutionError):
        return "the host name cannot be resolved"
    if isinstance(error, NewConnectionError):
        refused = _errno(error) == errno.ECONNREFUSED
        return "connection refused: nothing listens there" if refused else "no connection"
    if isinstance(error, ConnectTimeoutError):
        return f"no connection within {CONNECT_TIMEOUT_SECONDS:g} s; a firewall may drop it"
    if isinstance(error, SSLError):
        if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error):
            return "TLS failed: the server speaks plain HTTP at this port"
        return f"TLS failed: {_tls(error)}"
    if isinstance(error, ReadTimeoutError):
        return f"connected, but no answer within {READ_TIMEOUT_SECONDS:g} s"
    if isinstance(error, LocationValueError):
        return "it is not a valid URL"
    return "the connection broke before an HTTP answer arrived"


def _errno(error: BaseException) -> int | None:
    cause = error.__cause__ or error.__context__
    return cause.errno if isinstance(cause, OSError) else None


def _tls(error: SSLError) -> str:
    found = re.search(r"certificate verify failed: ([^(]+)", str(error))
    return f"the certificate is not trusted ({found[1].strip()})" if found else "handshake failed"
