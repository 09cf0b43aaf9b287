"""Keys of later attempts, of converted images and of variants, also for adopted images."""

import re

import pytest

from broker.domain.object_keys import (
    KEY_MAX,
    may_be_published_as,
    variant_key,
    with_extension,
    with_new_suffix,
)

UPLOAD = "ads/ad_1/main_x7Kp2mQa.heic"


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("ads/ad_1/main_x7Kp2mQa.jpg", r"ads/ad_1/main_\w{8}\.jpg"),
        ("ads/ad_1/photo.jpg", r"ads/ad_1/photo_\w{8}\.jpg"),
        ("ads/ad_1/photo", r"ads/ad_1/photo_\w{8}"),
        ("ads/ad_1/.hidden", r"ads/ad_1/\.hidden_\w{8}"),
        ("ads/ad_1/some.dir/photo", r"ads/ad_1/some\.dir/photo_\w{8}"),
        ("ads/ad_1/a.b.png", r"ads/ad_1/a\.b_\w{8}\.png"),
    ],
)
def test_a_new_suffix_leaves_the_folder_the_name_and_the_extension(key: str, pattern: str) -> None:
    found = with_new_suffix(key)
    assert re.fullmatch(pattern, found, re.ASCII), found
    assert found != key


@pytest.mark.parametrize("length", [200, KEY_MAX])
def test_the_names_of_variants_of_a_long_adopted_key_fit_into_a_key(length: int) -> None:
    key = "ads/ad_1/".ljust(length - 4, "x") + ".jpg"
    for width in (320, 99999):
        name = variant_key(with_extension(with_new_suffix(key), "image/jpeg"), width)
        assert len(name) <= KEY_MAX
        assert name.startswith("ads/ad_1/xxx")


def test_a_variant_of_a_key_without_extension_is_in_the_same_folder() -> None:
    assert variant_key("ads/ad_1/photo", 320) == "ads/ad_1/photo_w320.webp"
    assert with_extension("ads/ad_1/photo", "image/jpeg") == "ads/ad_1/photo.jpg"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ads/ad_1/main_x7Kp2mQa.jpg", True),
        ("ads/ad_1/main_00000000.heic", True),
        ("ads/ad_1/main_00000000_w320.webp", True),
        ("ads/ad_1/main.jpg", False),
        ("ads/ad_1/main_x7Kp2mQa_w320_copy.webp", False),
        ("ads/ad_2/main_x7Kp2mQa.jpg", False),
        ("ads/ad_1/other_x7Kp2mQa.jpg", False),
        ("backup.jpg", False),
    ],
)
def test_a_key_may_be_that_of_a_later_attempt_or_of_a_variant(key: str, expected: bool) -> None:
    assert may_be_published_as(key, UPLOAD) is expected
