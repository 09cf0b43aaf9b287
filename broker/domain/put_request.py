"""The presigned PUT of a whole object or one part, before it is signed.

S3 API: PutObject and UploadPart with query parameters. All headers of the request are signed, and
Content-Length too if it is known. So a URL can write only one object or part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.s3_servers import OTHER, S3Server

SHA256_HEADER = "x-amz-checksum-sha256"


@dataclass(frozen=True, kw_only=True)
class PutRequest:
    """An unsigned PUT of a whole object.

    The client must send `headers`. `content_length`, in bytes, is also signed. HTTP clients set it
    from the body, and browsers do not let scripts set it. `expires_in` is in seconds.
    """

    object_key: str
    headers: Mapping[str, str]
    content_length: int
    expires_in: int


def put_object_request(
    *,
    object_key: str,
    content_type: str,
    cache_control: str,
    size: int,
    checksum_sha256: str | None,
    upload_id: str,
    acl: str | None,
    expires_in: int,
    server: S3Server = OTHER,
) -> PutRequest:
    """Return the PUT of one whole object; `If-None-Match: *` makes it write-once (S3: 412)."""
    headers = {"Content-Type": content_type, "Cache-Control": cache_control}
    if server.writes_once:
        headers["If-None-Match"] = "*"
    if checksum_sha256 is not None and server.signs_digests:
        headers[SHA256_HEADER] = checksum_sha256
    headers["x-amz-meta-upload-id"] = upload_id
    if acl is not None:
        headers["x-amz-acl"] = acl
    return PutRequest(
        object_key=object_key, headers=headers, content_length=size, expires_in=expires_in
    )


@dataclass(kw_only=True, slots=True)
class PartRequest:
    """An unsigned PUT of one part. Its length and digest are signed if they are known.

    The length, in bytes, is None if the client cuts the parts.

    Treat it as immutable. It is not frozen because a frozen one takes twice as long to create.
    """

    part_number: int
    size: int | None
    checksum_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class PartsRequest:
    """Unsigned PUTs of parts of one multipart upload; `expires_in` is in seconds."""

    object_key: str
    multipart_id: str
    parts: Sequence[PartRequest]
    expires_in: int
