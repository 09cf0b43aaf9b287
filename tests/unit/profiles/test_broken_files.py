"""A broken file of profiles stops the start; each error has its line, its name and a message."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.config.profile_section import Section
from broker.config.profiles import ProfilesError, load_profiles
from broker.domain.limits import Limits
from tests.unit.profiles.broken_files import BROKEN, PHOTO


def errors(path: Path, content: bytes, limits: Limits | None = None) -> list[str]:
    path.write_bytes(content)
    with pytest.raises(ProfilesError) as error:
        load_profiles(path, limits or Limits())
    return str(error.value).splitlines()


@pytest.mark.parametrize(("text", "expected"), BROKEN, ids=range(len(BROKEN)))
def test_each_error_has_its_line_its_name_and_what_is_wrong(
    tmp_path: Path, text: str, expected: list[tuple[int, str, str]]
) -> None:
    path = tmp_path / "profiles.toml"
    found = errors(path, text.encode())
    assert len(found) == len(expected), found
    for message, (line, name, words) in zip(found, expected, strict=True):
        before, _, after = message.replace('"', "").partition(": ")
        assert before == f"{path}:{line}"
        assert not name or after.startswith(f"{name}: ")
        assert words.replace('"', "") in after


def test_the_table_is_long_enough() -> None:
    assert len(BROKEN) > 100


def test_the_text_of_an_error_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    assert errors(path, (PHOTO + 'max_bytes = "64 mib"\n').encode()) == [
        f'{path}:4: photo.max_bytes: must be a number of bytes, or text such as "64MiB" or "8 MB"'
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_is_not_utf_8_has_its_line(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "profiles.toml"
    content = end.join([b"[photo]", b"# \xc3\xa9", b"# \xe9", b"max_count = 1"])
    assert errors(path, content) == [f"{path}:3: is not UTF-8 text"]


def test_lines_that_end_as_on_windows_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    (found,) = errors(path, b"\xef\xbb\xbf[ad_image]\r\n\r\nput_ttl = 0\r\n")
    assert found.startswith(f"{path}:3: ad_image.put_ttl: ")


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_names_the_setting(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfilesError, match=r"^BROKER_PROFILES_FILE: .*: (No such file|Is a dir)"):
        load_profiles(tmp_path / name, Limits())


def test_a_profile_cannot_require_an_inspection_that_is_off(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    found = errors(path, (PHOTO + 'inspection = "required"\n').encode(), Limits(inspection="off"))
    assert found == [
        f'{path}:4: photo.inspection: must be "off" or left out, because BROKER_INSPECTION is off'
    ]


def _line(key: str, value: str) -> str:
    return f"{key} = {value}"


_WORDS = ["ad_image", "avatar", "photo", *Section.model_fields]
_KEYS = st.one_of(
    st.sampled_from([*_WORDS, "photo.max_bytes", '"a b"', "''", "a.b.c"]),
    st.text("abz_-.\"' ", min_size=1, max_size=5),
)
_VALUES = st.one_of(
    st.sampled_from(['"private"', '"off"', '["image/jpeg"]', '"a/{owner}/"', "true", "1979-05-27"]),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=5).map(lambda text: f'"{text}"'),
    st.text("[]{}=,\"'1a\n#", max_size=6),
)
_LINES = st.one_of(
    _KEYS.map(lambda key: f"[{key}]"),
    _KEYS.map(lambda key: f"[[{key}]]"),
    st.builds(_line, _KEYS, _VALUES),
    st.builds(lambda key, inner, value: f"{key} = {{{inner} = {value}}}", _KEYS, _KEYS, _VALUES),
    st.text(max_size=10),
)
_FILES = st.one_of(
    st.lists(_LINES, max_size=8).map(lambda lines: "\n".join(lines).encode(errors="replace")),
    st.lists(
        st.builds(_line, st.sampled_from(list(Section.model_fields)), _VALUES), max_size=8
    ).map(lambda lines: "\n".join(["[photo]", *lines]).encode(errors="replace")),
    st.binary(max_size=40),
)


@given(content=_FILES, inspection=st.sampled_from(["required", "off"]))
@settings(max_examples=150, deadline=None)
def test_no_text_is_more_than_an_error_with_a_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, inspection: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "profiles.toml"
    path.write_bytes(content)
    last = content.count(b"\n") + 1
    try:
        profiles = load_profiles(path, Limits(inspection=inspection))
    except ProfilesError as error:
        for message in str(error).splitlines():
            place, number, _ = message.split(":", 2)
            assert place == str(path)
            assert 1 <= int(number) <= last
    else:
        names = [profile.name for profile in Limits(declared=profiles).profiles]
        assert names[:2] == ["ad_image", "avatar"]
