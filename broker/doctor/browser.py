"""The doctor as a client: plain HTTP without credentials, each wait bounded.

The broker's boto3 client can move no bytes, on purpose; this does what browsers and phones do.
"""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

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

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 4.0
BODY_MAX_BYTES = 256 * 1024
MAX_REDIRECTS = 3
USER_AGENT = "broker-doctor"


class Unreachable(Exception):
    """No HTTP answer came; the message says at which step it ended."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer's status, headers (whatever their case) and the beginning of its body."""

    status: int
    headers: HTTPHeaderDict = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Tell whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str | None:
        """Give S3's error code; None where the body is no S3 error."""
        return self.element("Code") if b"<Error" in self.body else None

    @property
    def said(self) -> str:
        """Give status and S3 error code in words for a report."""
        return f"{self.status} {self.code}" if self.code else str(self.status)

    def element(self, name: str) -> str | None:
        """Give the text of an XML element without children; no parser for what strangers send."""
        pattern = rf"<{name}>([^<]{{1,200}})</{name}>"
        found = re.search(pattern, self.body.decode("utf-8", "replace"))
        return found[1] if found else None


class Browser:
    """Sends requests; follows no redirect unless told to, and keeps no cookies.

    Args:
        ca_bundle: a file of certificates to trust instead of the system's.
        detour: a URL, and where to send what is meant for its host or a host below that; the
            Host of such a request stays what it was, since S3 signatures hold it.
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
        """Send one request; raises Unreachable."""
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
        """Send a form as a page would, the file last; raises Unreachable."""
        photo = {"file": ("photo", file, "application/octet-stream")}
        body, content_type = encode_multipart_formdata({**fields, **photo})
        return self.send("POST", url, headers={**headers, "Content-Type": content_type}, body=body)

    def _route(self, url: str) -> tuple[str, dict[str, str]]:
        """Give the URL to ask in place of this one, and the Host to name there."""
        if self._detour is None:
            return url, {}
        meant, at, parts = urlsplit(self._detour[0]), urlsplit(self._detour[1]), urlsplit(url)
        if parts.netloc != meant.netloc and not parts.netloc.endswith(f".{meant.netloc}"):
            return url, {}
        there = parts._replace(scheme=at.scheme, netloc=at.netloc)
        return there.geturl(), {"Host": parts.netloc}

    def _pool(self, url: str) -> PoolManager:
        parts = urlsplit(url)
        timeout = Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS)
        proxy = getproxies().get(parts.scheme)
        if proxy and not proxy_bypass(parts.hostname or ""):
            return ProxyManager(proxy, timeout=timeout, ca_certs=self._ca_bundle)
        return PoolManager(timeout=timeout, ca_certs=self._ca_bundle)


def reason(error: HTTPError | OSError) -> str:
    """Say in words at which step a connection ended: name, TCP, TLS or HTTP."""
    error = getattr(error, "reason", None) or error  # what a redirect's retries wrap
    if isinstance(error, NameResolutionError):
        return "its host's name cannot be resolved"
    if isinstance(error, NewConnectionError):
        refused = _errno(error) == errno.ECONNREFUSED
        return "the connection is refused: nothing listens there" if refused else "no connection"
    if isinstance(error, ConnectTimeoutError):
        return f"no connection within {CONNECT_TIMEOUT_SECONDS:g} s; a firewall may drop it"
    if isinstance(error, SSLError):
        if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error):
            return "TLS failed: the server speaks plain HTTP at this port"
        return f"TLS failed: {_tls(error)}"
    if isinstance(error, ReadTimeoutError):
        return f"connected, but no answer within {READ_TIMEOUT_SECONDS:g} s"
    if isinstance(error, LocationValueError):
        return "it is no URL that can be asked"
    return "the connection broke before an HTTP answer came"


def _errno(error: BaseException) -> int | None:
    cause = error.__cause__ or error.__context__
    return cause.errno if isinstance(cause, OSError) else None


def _tls(error: SSLError) -> str:
    found = re.search(r"certificate verify failed: ([^(]+)", str(error))
    return f"the certificate is not trusted ({found[1].strip()})" if found else "no handshake"
