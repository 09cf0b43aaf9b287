"""The table of S3 servers: one row of data each. BROKER_S3_SERVER names the row.

Nothing else in the broker knows a server by its name.
"""

from broker.domain.s3_servers.hosted import AWS, B2, R2
from broker.domain.s3_servers.self_hosted import CEPH, GARAGE, MINIO, SEAWEEDFS, SWIFT, VERSITYGW
from broker.domain.s3_servers.server import Digests, Expiry, Feature, PublicReading, S3Server

__all__ = [
    "DIGEST_ERRORS",
    "OTHER",
    "S3_SERVERS",
    "Digests",
    "Expiry",
    "Feature",
    "PublicReading",
    "S3Server",
]

_NAMED = (AWS, MINIO, SEAWEEDFS, VERSITYGW, CEPH, GARAGE, SWIFT, R2, B2)
# Every code for bytes that do not have their digest.
DIGEST_ERRORS = frozenset().union(*(one.digest_errors for one in _NAMED))
# A server that no row describes: it must behave like Amazon S3, and answer like any of the others.
OTHER = S3Server(
    name="other",
    title="any other server",
    lacks=None,
    expiry=Expiry(
        codes=frozenset().union(*(one.expiry.codes for one in _NAMED)),
        texts=tuple(dict.fromkeys(text for one in _NAMED for text in one.expiry.texts if text)),
    ),
    digest_errors=DIGEST_ERRORS,
)
S3_SERVERS: dict[str, S3Server] = {one.name: one for one in (*_NAMED, OTHER)}
