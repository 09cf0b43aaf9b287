"""Find the client's address behind proxies: X-Forwarded-For of trusted proxies.

X-Forwarded-Proto, X-Forwarded-Host and Forwarded are not read. URLs of the broker in responses are
built from BROKER_PUBLIC_URL.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Only this many addresses of a long header are read.
MAX_HOPS = 10
UNIX = "unix"
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class TrustedProxies:
    """WSGI middleware that sets REMOTE_ADDR to the client's address."""

    def __init__(self, app: "WSGIApplication", proxies: Sequence[str]) -> None:
        self._app = app
        self._networks = [ip_network(proxy) for proxy in proxies if proxy != UNIX]
        self._unix = UNIX in proxies

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Set REMOTE_ADDR and call the app."""
        environ["REMOTE_ADDR"] = self.client(
            environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR", "")
        )
        answer: Any = self._app(environ, start)
        return answer  # type: ignore[no-any-return]

    def client(self, peer: str, forwarded: str) -> str:
        """Return the client's address.

        Each proxy appends the address of its peer at the right end. So read from right to left
        while the address is a trusted proxy. Addresses to the left of an untrusted address can be
        forged.
        """
        found = peer
        hops = forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:] if forwarded else []
        while hops and self._trusts(found):
            address = _parsed(hops.pop())
            if address is None:
                break
            found = str(address)
        return found

    def _trusts(self, text: str) -> bool:
        address = _parsed(text)
        if address is None:
            return self._unix and not text
        return any(address in network for network in self._networks)


def _parsed(text: str) -> Address | None:
    """Parse an address, also `[v6]` and addresses with a port, as some proxies write them."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
