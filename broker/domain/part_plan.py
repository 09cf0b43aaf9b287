"""The plan that cuts a file into parts, and the parts that have arrived.

S3: "Amazon S3 multipart upload limits": 1 to 10,000 parts of 5 MiB to 5 GiB; the last one may be
smaller; at most 5 TiB in all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.domain.upload_row import UploadRow

MIB = 1024**2
MIN_PART_BYTES = 5 * MIB
MAX_PART_BYTES = 5 * 1024**3
MAX_PARTS = 10_000
MAX_OBJECT_BYTES = 5 * 1024**4


@dataclass(frozen=True, kw_only=True)
class UploadedPart:
    """One part as ListParts shows it; `size` in bytes, `etag` without quotes."""

    part_number: int
    size: int
    etag: str
    checksum_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class PartPlan:
    """A file of `size` bytes in parts of `part_size`; part numbers begin at 1."""

    size: int
    part_size: int

    @property
    def part_count(self) -> int:
        """Return the number of parts."""
        return -(-self.size // self.part_size)

    def length(self, part_number: int) -> int:
        """Return a part's exact length in bytes."""
        left = self.size - (part_number - 1) * self.part_size
        if part_number < 1 or left <= 0:
            raise ValueError(f"no part {part_number}")
        return min(self.part_size, left)

    def missing(self, arrived: Mapping[int, UploadedPart]) -> list[int]:
        """Return the numbers of the parts that are missing or have another size."""
        return [
            number
            for number in range(1, self.part_count + 1)
            if number not in arrived or arrived[number].size != self.length(number)
        ]


def plan_of(upload: UploadRow) -> PartPlan | None:
    """Return the plan of a multipart upload; None if its client cuts the parts itself."""
    if upload.part_size is None:
        return None
    return PartPlan(size=upload.size, part_size=upload.part_size)


def plan_parts(size: int, preferred: int) -> PartPlan:
    """Plan the parts of a file of `size` bytes, 1 byte to 5 TiB.

    Parts have `preferred` bytes. If this results in more than 10,000 parts, the parts are larger: a
    whole number of MiB, so that the offsets in the file are multiples of 1 MiB.
    """
    if not 1 <= size <= MAX_OBJECT_BYTES:
        raise ValueError(f"no object has {size} bytes")
    least = -(-size // MAX_PARTS)
    part_size = max(preferred, MIN_PART_BYTES)
    if part_size < least:
        part_size = -(-least // MIB) * MIB
    return PartPlan(size=size, part_size=part_size)


def by_number(
    parts: Iterable[UploadedPart], named: Mapping[int, str] | None = None
) -> dict[int, UploadedPart]:
    """Index parts by number.

    SeaweedFS lists a part twice if it was sent twice, in the order of their ETags. The part with
    the named ETag is used, otherwise the last one.
    """
    found: dict[int, UploadedPart] = {}
    for part in parts:
        number = part.part_number
        if named is None or number not in found or found[number].etag != named.get(number):
            found[number] = part
    return found
