"""What exiftool finds in photos before and after they are cleaned."""

import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pyvips

from broker.local.process import ServerNotInstalled
from tests.inspection import containers as made
from tests.inspection.cleaning import Before, before_decoding, clean, pixels
from tests.servers import installed_or_skip

NEEDLE = b"Elm Street 5"
TAGS = [
    "-GPSLatitude=52.52",
    "-GPSLatitudeRef=N",
    "-GPSLongitude=13.405",
    "-GPSLongitudeRef=E",
    "-EXIF:Artist=Elm Street 5",
    "-EXIF:SerialNumber=12345",
    "-XMP:City=Elm Street 5",
    "-XMP:GPSLatitude=52.52",
    "-IPTC:City=Elm Street 5",
    "-Comment=Elm Street 5",
    "-EXIF:Orientation#=6",
]
# The groups of what describes the file itself and its pixels.
TECHNICAL = {"System", "File", "ExifTool", "Composite", "JFIF", "ICC_Profile", "PNG", "RIFF", "GIF"}
SUFFIXES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif"}


def exiftool(*arguments: str | Path) -> str:
    with installed_or_skip():
        if shutil.which("exiftool") is None:
            raise ServerNotInstalled("exiftool is missing: apt-get install libimage-exiftool-perl")
    run = ["exiftool", *map(str, arguments)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Photo:
    """A photo and the tags that exiftool found before and after it was cleaned."""

    data: bytes
    found: Before
    before: dict[str, Any]
    after: dict[str, Any]


def tags_of(paths: list[Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(exiftool("-json", "-G", "-a", "-n", *paths))
    return found


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Photo]:
    """Return photos with GPS, names, an ICC profile, an orientation, and a ZIP after their end."""
    directory = tmp_path_factory.mktemp("photos")
    paths = [directory / f"photo{suffix}" for suffix in SUFFIXES]
    for path in paths:
        path.write_bytes(made.encoded(path.suffix, 203, 101))
    profile = directory / "p3.icc"
    profile.write_bytes(pyvips.Image.profile_load("p3"))
    *others, gif = paths
    exiftool("-overwrite_original", "-m", *TAGS, f"-icc_profile<={profile}", *others)
    exiftool("-overwrite_original", "-XMP:City=Elm Street 5", "-Comment=Elm Street 5", gif)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("address.txt", NEEDLE)
    for path in paths:
        path.write_bytes(path.read_bytes() + archive.getvalue())
    data = [path.read_bytes() for path in paths]
    before = tags_of(paths)
    found = [before_decoding(path.read_bytes(), SUFFIXES[path.suffix], directory) for path in paths]
    for path, one in zip(paths, found, strict=True):
        path.write_bytes(one.cleaned)
    columns = zip(data, found, before, tags_of(paths), strict=True)
    return {path.suffix: Photo(*column) for path, column in zip(paths, columns, strict=True)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_home_address_is_in_the_file_before_and_not_after(
    suffix: str, photos: dict[str, Photo]
) -> None:
    photo = photos[suffix]
    assert photo.data.count(NEEDLE) >= 2
    assert any("City" in name for name in photo.before)
    assert NEEDLE not in photo.found.cleaned
    assert b"PK\x03\x04" not in photo.found.cleaned
    assert not any("Comment" in name or "GPS" in name for name in photo.after)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_orientation_and_profile_are_left(suffix: str, photos: dict[str, Photo]) -> None:
    photo = photos[suffix]
    left = {name for name in photo.after if name.partition(":")[0] not in TECHNICAL}
    turned = suffix in (".jpg", ".png")
    assert left - {"SourceFile"} == ({"EXIF:Orientation"} if turned else set())
    assert photo.after.get("EXIF:Orientation", 1) == (6 if turned else 1)
    assert photo.found.header.upright_size == ((101, 203) if turned else (203, 101))
    assert suffix == ".gif" or photo.after["ICC_Profile:ProfileDescription"] == "sP3C"


def test_no_pixel_of_a_photo_of_a_camera_changes(tmp_path: Path) -> None:
    photo = Path("/usr/share/backgrounds/mate/nature/GreenMeadow.jpg")
    with installed_or_skip():
        if not photo.exists():
            raise ServerNotInstalled("photos are missing: apt-get install mate-backgrounds")
    cleaned = clean(photo.read_bytes(), "image/jpeg", tmp_path)
    assert b"Exif" in photo.read_bytes()
    assert b"Exif" not in cleaned
    assert pixels(cleaned) == pixels(photo.read_bytes())
