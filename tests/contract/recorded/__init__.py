"""What servers that the tests cannot run answer, according to their source. One module a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.s3_failures import Advice
from broker.domain.storage_errors import StorageError
from broker.storage.bucket_setup import Outcome
from tests.contract.odd_server import Answer

DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
ETAG = "5d41402abc4b2a76b9719d911017c592"
HEAD_HEADERS = {
    "Content-Length": "5",
    "Content-Type": "image/jpeg",
    "ETag": f'"{ETAG}"',
    "Last-Modified": "Mon, 30 Nov 2026 12:00:00 GMT",
    "x-amz-meta-upload-id": "u",
}
LISTED_KEY = "media/\u00e4 b+c.jpg"


@dataclass(frozen=True, kw_only=True)
class ToBroker:
    """An answer to the broker: `call` is one of CALLS, `error` what it becomes (None: success)."""

    call: str
    answer: Answer
    error: type[StorageError] | None


@dataclass(frozen=True, kw_only=True)
class ToClient:
    """A refused upload, and the advice that the client must get while its ticket is valid."""

    answer: Answer
    advice: Advice


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A server's answers.

    Attributes:
        checksum: the headers of a HEAD in checksum mode that it adds if the upload had a SHA-256;
            empty if it keeps none.
        listing: one object, LISTED_KEY, as it lists it with `encoding-type=url`.
        to_broker: answers to the broker's own requests, by what happened.
        to_clients: answers to forms, PUTs and parts, by what happened.
        configuration: answers by method and query of the bucket's configuration. Others are 200.
        outcomes: of `broker bucket apply`, by a part of the title.
    """

    checksum: Mapping[str, str]
    listing: Answer
    to_broker: Mapping[str, ToBroker]
    to_clients: Mapping[str, ToClient]
    configuration: Mapping[tuple[str, str], Answer]
    outcomes: Mapping[str, Outcome]


def listing(declaration: str, key: str, modified: str) -> Answer:
    """Return a ListObjectsV2 result with one object, whose key is encoded as the server does it."""
    body = (
        f'{declaration}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<Name>media-bucket</Name><Prefix>media/</Prefix><KeyCount>1</KeyCount>"
        "<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified>"
        f"<ETag>&quot;{ETAG}&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents></ListBucketResult>"
    )
    return Answer(body=body.encode())


@dataclass(frozen=True, kw_only=True)
class ErrorFormat:
    """How a server writes its errors."""

    declaration: str
    further: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def error(self, status: int, code: str, message: str, further: str = "") -> Answer:
        """Return an error as the server sends it."""
        body = (
            f"{self.declaration}<Error><Code>{code}</Code><Message>{message}</Message>"
            f"{further}{self.further}</Error>"
        )
        return Answer(status, dict(self.headers), body.encode())
