"""The transports of an upload's bytes: one file for each, and the table of all transports."""

from broker.domain.transports.base import SINGLE_MAX_BYTES, Presigner, Transfer, Transport
from broker.domain.transports.multipart import MULTIPART
from broker.domain.transports.post import POST
from broker.domain.transports.put import PUT

__all__ = [
    "MULTIPART",
    "POST",
    "PUT",
    "SINGLE_MAX_BYTES",
    "TRANSPORTS",
    "Presigner",
    "Transfer",
    "Transport",
    "choose",
    "transport_named",
]

TRANSPORTS: dict[str, Transport] = {one.name: one for one in (POST, PUT, MULTIPART)}


def transport_named(name: str) -> Transport:
    """Return the transport with this name; raise LookupError if there is no such transport."""
    try:
        return TRANSPORTS[name]
    except KeyError:
        raise LookupError(f"unknown transport {name!r}") from None


def choose(named: str | None, *, size: int, default: str, threshold: int) -> Transport:
    """Return the transport that a request names, or the one for a file of `size` bytes."""
    if named is not None:
        return transport_named(named)
    return MULTIPART if size > threshold else transport_named(default)
