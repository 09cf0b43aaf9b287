"""What exiftool finds in photos before and after they are cleaned."""

import json
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pyvips

from broker.local.process import ServerNotInstalled
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding, clean, pixels
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


def tags_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exiftool("-json", "-G", "-a", "-n", path))[0]
    return found


def tagged(picture: bytes, suffix: str, directory: Path) -> Path:
    """Return a file with GPS, names, an ICC profile, an orientation, and a ZIP after its end."""
    path, profile = directory / f"photo{suffix}", directory / "p3.icc"
    path.write_bytes(picture)
    profile.write_bytes(pyvips.Image.profile_load("p3"))
    tags = TAGS if suffix != ".gif" else ["-XMP:City=Elm Street 5", "-Comment=Elm Street 5"]
    icc = [f"-icc_profile<={profile}"] if suffix != ".gif" else []
    exiftool("-overwrite_original", "-m", *tags, *icc, path)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("address.txt", NEEDLE)
    path.write_bytes(path.read_bytes() + buffer.getvalue())
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_home_address_is_in_the_file_before_and_not_after(suffix: str, tmp_path: Path) -> None:
    path = tagged(made.encoded(suffix, 203, 101), suffix, tmp_path)
    before = tags_of(path)
    assert path.read_bytes().count(NEEDLE) >= 2
    assert any("City" in name for name in before)
    found = before_decoding(path.read_bytes(), SUFFIXES[suffix], tmp_path)
    path.write_bytes(found.cleaned)
    after = tags_of(path)
    left = {name for name in after if name.partition(":")[0] not in TECHNICAL} - {"SourceFile"}
    keeps_orientation = suffix in (".jpg", ".png")
    assert left == ({"EXIF:Orientation"} if keeps_orientation else set())
    assert after.get("EXIF:Orientation", 1) == (6 if keeps_orientation else 1)
    assert found.header.upright_size == ((101, 203) if keeps_orientation else (203, 101))
    assert not any("Comment" in name or "GPS" in name for name in after)
    assert suffix == ".gif" or after["ICC_Profile:ProfileDescription"] == "sP3C"
    assert NEEDLE not in found.cleaned
    assert b"PK\x03\x04" not in found.cleaned


@pytest.fixture(scope="module")
def photo() -> Path:
    """Return a photo of 1.3 megapixels from a camera."""
    photo = Path("/usr/share/backgrounds/mate/nature/GreenMeadow.jpg")
    with installed_or_skip():
        if not photo.exists():
            raise ServerNotInstalled("photos are missing: apt-get install mate-backgrounds")
    return photo


def test_no_pixel_of_a_photo_of_a_camera_changes(photo: Path, tmp_path: Path) -> None:
    path = tagged(photo.read_bytes(), ".jpg", tmp_path)
    cleaned = clean(path.read_bytes(), "image/jpeg", tmp_path)
    assert NEEDLE not in cleaned
    assert pixels(cleaned) == pixels(photo.read_bytes())
