"""The page about profiles: its keys, its example and its errors are those of the code."""

import re
from pathlib import Path

import pytest

from broker.config.profile_section import Section
from broker.config.profiles import ProfilesError, load_profiles
from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS

PAGE = (Path(__file__).parent.parent.parent.parent / "docs/profiles.md").read_text()
EXAMPLE, BROKEN = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_describes_each_key() -> None:
    keys = PAGE[PAGE.index("## Keys") : PAGE.index("## Content types")]
    assert re.findall(r"^\| `(\w+)` \|", keys, re.MULTILINE) == list(Section.model_fields)


def test_the_page_lists_the_image_types() -> None:
    types = re.search(r"accepts only images: (.*)\.$", PAGE, re.MULTILINE)
    assert types is not None
    assert re.findall(r"`([a-z/]+)`", types[1]) == list(EXTENSIONS)


@pytest.mark.parametrize("inspection", ["required", "off"])
def test_the_example_of_the_page_is_valid(tmp_path: Path, inspection: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(EXAMPLE)
    found = load_profiles(path, Limits(inspection=inspection))
    assert [one.name for one in found] == ["ad_image", "product_image", "order_document"]


def test_the_errors_of_the_page_are_those_of_its_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("profiles.toml")
    path.write_text(BROKEN)
    with pytest.raises(ProfilesError) as error:
        load_profiles(path, Limits())
    (told,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert str(error.value).splitlines() == told.splitlines()
