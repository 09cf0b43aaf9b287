"""The multipart uploads of the bucket in this process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.domain.storage_errors import InvalidParts, MultipartNotFound


@dataclass
class Begun:
    """A created multipart upload and its parts by number."""

    key: str
    content_type: str
    upload_id: str
    sha256: bool
    parts: dict[int, UploadedPart] = field(default_factory=dict)
    content: dict[int, bytes] = field(default_factory=dict)


class FakeMultipart:
    """Implements `MultipartStorage`; a completed upload is written into `objects` and `content`."""

    def __init__(self, objects: dict[str, ObjectHead], content: dict[str, bytes]) -> None:
        self.begun: dict[str, Begun] = {}
        self._objects = objects
        self._content = content
        self._ids = count(1)

    def create(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str,
        upload_id: str,
        acl: str | None,
        sha256: bool,
    ) -> str:
        multipart_id = f"multipart-{next(self._ids)}"
        self.begun[multipart_id] = Begun(key, content_type, upload_id, sha256)
        return multipart_id

    def list_parts(self, key: str, multipart_id: str) -> list[UploadedPart]:
        return list(self._find(key, multipart_id).parts.values())

    def complete(self, key: str, multipart_id: str, parts: Sequence[UploadedPart]) -> None:
        begun = self._find(key, multipart_id)
        if any(begun.parts.get(part.part_number) != part for part in parts) or not parts:
            raise InvalidParts(key)
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        self._objects[key] = ObjectHead(
            content_length=sum(part.size for part in parts),
            content_type=begun.content_type,
            etag=f"{hashlib.md5(digests).hexdigest()}-{len(parts)}",
            checksum_sha256=None,
            metadata={"upload-id": begun.upload_id},
        )
        self._content[key] = b"".join(begun.content[part.part_number] for part in parts)
        del self.begun[multipart_id]

    def abort(self, key: str, multipart_id: str) -> None:
        self.begun.pop(multipart_id, None)

    def put(
        self, multipart_id: str, number: int, data: bytes, etag: str, sha256: str | None
    ) -> bool:
        """Store a part; return False if the upload is unknown or expects another checksum."""
        begun = self.begun.get(multipart_id)
        if begun is None or begun.sha256 != (sha256 is not None):
            return False
        begun.parts[number] = UploadedPart(
            part_number=number, size=len(data), etag=etag, checksum_sha256=sha256
        )
        begun.content[number] = data
        return True

    def _find(self, key: str, multipart_id: str) -> Begun:
        begun = self.begun.get(multipart_id)
        if begun is None or begun.key != key:
            raise MultipartNotFound(key)
        return begun
