"""The profiles of a file: its keys, the defaults of those that it leaves out, what they imply."""

from dataclasses import replace
from pathlib import Path

import pytest

from broker.config.profiles import load_profiles
from broker.domain.limits import Limits
from broker.domain.profiles import Owners, Profile, Profiles, Visibility
from tests.unit.profiles.broken_files import PAPER, PHOTO

EXAMPLE = Path(__file__).parent.parent.parent.parent / "examples/profiles.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profiles.toml"


def loaded(file: Path, text: str, limits: Limits | None = None) -> Profiles:
    limits = limits or Limits()
    file.write_text(text)
    return replace(limits, declared=load_profiles(file, limits)).profiles


def named(profiles: Profiles, name: str) -> Profile:
    profile = profiles.named(name)
    assert profile is not None
    return profile


@pytest.mark.parametrize("inspection", ["required", "off"])
def test_the_example_is_valid_whether_images_are_inspected_or_not(inspection: str) -> None:
    found = load_profiles(EXAMPLE, Limits(inspection=inspection))
    assert [profile.name for profile in found] == [
        *("ad_image", "avatar", "product_image", "order_document", "identity_photo"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "[ad_image]\n[avatar]\n"])
def test_built_in_profiles_stay_as_they_are_if_the_file_changes_nothing(
    file: Path, text: str
) -> None:
    assert list(loaded(file, text)) == list(Limits().profiles)


def test_a_built_in_profile_keeps_the_settings_that_the_file_leaves_out(file: Path) -> None:
    limits = Limits(max_image_bytes=5, max_images_per_ad=7, put_ttl=9, ad_image_variants=(64,))
    found = named(loaded(file, '[ad_image]\nowners = "token"\nmax_count = 0\n', limits), "ad_image")
    before = named(limits.profiles, "ad_image")
    assert found == replace(before, owners=Owners.TOKEN, max_count=0)
    assert (found.max_bytes, found.put_ttl, found.variant_widths) == (5, 9, (64,))
    assert found.owner_kind == "ad"
    assert found.has_integer_owners


def test_a_declared_profile_has_the_settings_as_defaults(file: Path) -> None:
    limits = Limits(
        cache_control="public, max-age=1",
        **{"ticket_ttl": 11, "put_ttl": 12, "multipart_ttl": 130},
        **{"max_pixels": 14, "max_frames": 15},
    )
    assert named(loaded(file, PHOTO, limits), "photo") == Profile(
        name="photo",
        owner_kind="photo",
        prefix="photos/",
        owners=Owners.TOKEN,
        has_integer_owners=False,
        content_types=("image/jpeg",),
        max_bytes=64 * 1024 * 1024,
        max_count=20,
        keeps_one=False,
        visibility=Visibility.PUBLIC,
        is_inspected=True,
        max_pixels=14,
        max_frames=15,
        variant_widths=(),
        cache_control="public, max-age=1",
        ticket_ttl=11,
        put_ttl=12,
        multipart_ttl=130,
    )


def test_each_key_of_a_section_is_a_value_of_the_profile(file: Path) -> None:
    text = PHOTO + (
        'owners = "token"\nmax_bytes = 7\nmax_count = 3\nkeeps_one = false\n'
        'visibility = "public"\ninspection = "required"\nvariants = [800, 64, 800]\n'
        'max_pixels = 5\nmax_frames = 6\ncache_control = "no-cache"\n'
        "ticket_ttl = 8\nput_ttl = 9\nmultipart_ttl = 100\n"
    )
    found = named(loaded(file, text), "photo")
    assert (found.max_bytes, found.max_count, found.is_inspected) == (7, 3, True)
    assert found.variant_widths == (64, 800)
    assert (found.max_pixels, found.max_frames, found.cache_control) == (5, 6, "no-cache")
    assert (found.ticket_ttl, found.put_ttl, found.multipart_ttl) == (8, 9, 100)


@pytest.mark.parametrize(
    ("size", "max_bytes"),
    [
        ("1_000", 1000),
        ('"7B"', 7),
        ('"8 MB"', 8_000_000),
        ('"8kB"', 8000),
        ('"2GB"', 2_000_000_000),
        ('"3KiB"', 3072),
        ('"64MiB"', 64 * 1024**2),
        ('"5120 GiB"', 5 * 1024**4),
    ],
)
def test_a_size_is_a_number_or_has_a_unit(file: Path, size: str, max_bytes: int) -> None:
    found = loaded(file, PHOTO + f"max_bytes = {size}\n")
    assert named(found, "photo").max_bytes == max_bytes


def test_a_private_profile_is_never_cached_and_without_inspection_takes_documents(
    file: Path,
) -> None:
    found = named(loaded(file, PAPER), "paper")
    assert found.is_private
    assert not found.is_inspected
    assert found.cache_control == "private, no-store"
    assert found.content_types == ("application/pdf",)


def test_a_private_profile_is_inspected_unless_it_says_otherwise(file: Path) -> None:
    assert named(loaded(file, PHOTO + 'visibility = "private"\n'), "photo").is_inspected


def test_keeps_one_implies_a_count_of_one(file: Path) -> None:
    assert named(loaded(file, PHOTO + "keeps_one = true\n"), "photo").max_count == 1


def test_with_inspection_off_no_profile_is_inspected(file: Path) -> None:
    # The same file must be usable while an operator turns inspection off for a time. A worker
    # still makes the variants of uploads that were in processing.
    found = named(loaded(file, PHOTO + "variants = [320]\n", Limits(inspection="off")), "photo")
    assert not found.is_inspected
    assert found.variant_widths == (320,)


def test_with_inspection_off_a_public_profile_may_say_so(file: Path) -> None:
    text = PHOTO + 'inspection = "off"\n'
    assert not named(loaded(file, text, Limits(inspection="off")), "photo").is_inspected


def test_a_profile_may_take_the_prefix_that_a_built_in_one_has_left(file: Path) -> None:
    text = '[avatar]\nprefix = "faces/{owner}/"\n' + PHOTO.replace("photos/", "avatars/user_")
    profiles = loaded(file, text)
    of_key = profiles.of_key("avatars/user_x/a_12345678.jpg")
    assert of_key == (named(profiles, "photo"), "x")
    assert profiles.of_key("faces/7/a_12345678.jpg") == (named(profiles, "avatar"), "7")
