"""The orientation in EXIF data, whatever else is in it."""

import pytest

from broker.inspection.orientation import orientation_only, read_orientation


def tiff(order: str, *entries: tuple[int, int, int, int], at: int = 8) -> bytes:
    """Return EXIF data with entries of tag, type, count and value."""
    big = order == "big"

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "big" if big else "little")

    encoded = b"".join(
        number(tag, 2) + number(kind, 2) + number(count, 4) + number(value, 2) + b"\0\0"
        for tag, kind, count, value in entries
    )
    head = b"MM\0*" if big else b"II*\0"
    return head + number(at, 4) + bytes(at - 8) + number(len(entries), 2) + encoded


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("at", [8, 4001])
def test_it_is_found_among_other_tags_in_both_byte_orders(order: str, at: int) -> None:
    data = tiff(order, (0x010F, 2, 9, 7), (0x0112, 3, 1, 6), (0x8825, 4, 1, 99), at=at)
    assert read_orientation(data) == 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_written_is_read(orientation: int) -> None:
    assert read_orientation(orientation_only(orientation)) == orientation


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MM\0*",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"PK\3\4" + orientation_only(6)[4:],
        orientation_only(6)[:-8],
        tiff("big"),
        tiff("big", (0x0112, 3, 1, 0)),
        tiff("big", (0x0112, 3, 1, 9)),
        tiff("big", (0x0112, 4, 1, 6)),
        tiff("big", (0x0112, 3, 2, 6)),
    ],
)
def test_broken_data_means_upright(data: bytes) -> None:
    assert read_orientation(data) == 1
