"""Part plans up to 10 000 parts and 5 TiB."""

import pytest

from broker.domain.checksums import composite_sha256
from broker.domain.part_plan import (
    MAX_OBJECT_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    MIB,
    MIN_PART_BYTES,
    UploadedPart,
    by_number,
    plan_parts,
)
from broker.domain.transports import MULTIPART, POST, PUT, SINGLE_MAX_BYTES, choose

PREFERRED = 8 * MIB
TIB = 1024**4
FULL = MAX_PARTS * PREFERRED  # the size of 10 000 parts of 8 MiB
SIZES = [
    1,
    MIN_PART_BYTES,
    PREFERRED - 1,
    PREFERRED,
    PREFERRED + 1,
    60 * MIB,
    FULL - 1,
    FULL,
    FULL + 1,
    TIB,
    MAX_OBJECT_BYTES - 1,
    MAX_OBJECT_BYTES,
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("preferred", [1, MIN_PART_BYTES, PREFERRED, MAX_PART_BYTES])
def test_a_plan_covers_the_file_exactly_within_s3s_limits(size: int, preferred: int) -> None:
    plan = plan_parts(size, preferred)
    lengths = [plan.length(number) for number in range(1, plan.part_count + 1)]
    assert sum(lengths) == size
    assert 1 <= len(lengths) <= MAX_PARTS
    assert all(MIN_PART_BYTES <= length <= MAX_PART_BYTES for length in lengths[:-1])
    assert 1 <= lengths[-1] <= plan.part_size <= MAX_PART_BYTES
    assert set(lengths[:-1]) <= {plan.part_size}


def test_parts_grow_only_when_10_000_are_not_enough() -> None:
    assert plan_parts(FULL, PREFERRED).part_count == MAX_PARTS
    assert plan_parts(FULL, PREFERRED).part_size == PREFERRED
    more = plan_parts(FULL + 1, PREFERRED)
    assert (more.part_size, more.part_count) == (9 * MIB, 8889)
    most = plan_parts(MAX_OBJECT_BYTES, PREFERRED)
    assert (most.part_size, most.part_count) == (525 * MIB, 9987)


@pytest.mark.parametrize("size", [0, -1, MAX_OBJECT_BYTES + 1])
def test_a_size_over_the_limit_of_s3_has_no_plan(size: int) -> None:
    with pytest.raises(ValueError, match="no object"):
        plan_parts(size, PREFERRED)


@pytest.mark.parametrize("number", [0, -1, 4, 10_001])
def test_a_part_number_beyond_the_plan_has_no_length(number: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        plan_parts(20 * MIB, PREFERRED).length(number)


def test_absent_and_incomplete_parts_are_missing() -> None:
    plan = plan_parts(20 * MIB, PREFERRED)
    arrived = by_number(
        [
            UploadedPart(part_number=1, size=PREFERRED - 1, etag="cut"),
            UploadedPart(part_number=1, size=PREFERRED, etag="whole"),
            UploadedPart(part_number=3, size=PREFERRED, etag="too long for the last"),
        ]
    )
    assert plan.missing(arrived) == [2, 3]
    assert arrived[1].etag == "whole"


def test_the_composite_checksum_equals_that_of_s3() -> None:
    # Values from SeaweedFS 4.48 and MinIO for 5 MiB of "a" and 1000 bytes of "b".
    parts = [
        "oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",
        "9vEY4SDlK+C9DP3yeUzRLAdobMhxI1rC8RRZN45tI1s=",
    ]
    assert composite_sha256(parts) == "gzKREhG1RwKmrTCIEhem1Qh4SLYssbnaSjmwJsKJ6aA=-2"


def test_a_transport_is_the_requested_one_or_depends_on_the_size() -> None:
    sized = {"default": "put", "threshold": 16 * MIB}
    assert choose(None, size=16 * MIB, **sized) == PUT
    assert choose(None, size=16 * MIB + 1, **sized) == MULTIPART
    assert choose("post", size=SINGLE_MAX_BYTES, **sized) == POST
