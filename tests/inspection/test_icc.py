"""What is kept of ICC profiles."""

import pytest
import pyvips

from broker.inspection.icc import usable_profile

SERIAL = b"C02XG2JHJG5J"


def profile(*tags: tuple[bytes, bytes], gap: bytes = b"") -> bytes:
    """Return a profile with these tags. `gap` belongs to no tag."""
    start = 132 + 12 * len(tags) + len(gap)
    table, content = len(tags).to_bytes(4, "big"), gap
    for name, data in tags:
        at = start + len(content) - len(gap)
        table += name + at.to_bytes(4, "big") + len(data).to_bytes(4, "big")
        content += data
    size = 128 + len(table) + len(content)
    header = size.to_bytes(4, "big") + bytes(32) + b"acsp" + bytes(44) + b"I" * 16 + bytes(28)
    return header + table + content


@pytest.mark.parametrize("name", ["srgb", "p3", "cmyk"])
def test_what_converts_colours_is_kept(name: str) -> None:
    whole = bytes(pyvips.Image.profile_load(name))
    kept = usable_profile(whole + b"more")
    assert kept is not None
    image = pyvips.Image.black(8, 8, bands=4 if name == "cmyk" else 3) + 99
    image = image.cast("uchar").copy(interpretation="cmyk" if name == "cmyk" else "srgb")
    converted = []
    for each in (whole, kept):
        embedded = image.copy()
        embedded.set_type(pyvips.GValue.blob_type, "icc-profile-data", each)
        converted.append(embedded.icc_transform("srgb", embedded=True).write_to_memory())
    assert converted[0] == converted[1]


def test_the_serial_number_of_a_display_is_not_kept() -> None:
    colour = b"XYZ \0\0\0\0" + bytes(range(12))
    kept = usable_profile(
        profile((b"rXYZ", colour), (b"mmod", SERIAL), (b"desc", b"a display"), gap=SERIAL)
    )
    assert kept is not None
    assert SERIAL not in kept
    assert b"mmod" not in kept
    assert kept[84:100] == bytes(16)
    assert kept[128:132] == (2).to_bytes(4, "big")
    at = int.from_bytes(kept[136:140], "big")
    assert kept[132:136] == b"rXYZ"
    assert kept[at : at + 20] == colour


def test_a_profile_of_kept_tags_does_not_change() -> None:
    whole = profile((b"rXYZ", b"XYZ \0\0\0\0" + bytes(range(12))), (b"cprt", b"nobody"))
    assert usable_profile(whole) == whole


@pytest.mark.parametrize("count", [101, 2**32 - 1, 9])
def test_a_profile_with_a_table_that_does_not_fit_is_not_kept(count: int) -> None:
    broken = profile((b"mmod", bytes(50)))
    assert usable_profile(broken[:128] + count.to_bytes(4, "big") + broken[132:]) is None
