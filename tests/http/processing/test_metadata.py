"""A photo full of locations from its ticket to the public image, as exiftool reads it."""

import sys
import zipfile
from io import BytesIO
from pathlib import Path

import httpx
import pyvips
from flask import Flask

from broker.services.processing.process import Outcome
from tests.http.client import Client
from tests.http.worker import Worker, photo, processing, read, real
from tests.inspection.test_exiftool import NEEDLE, TAGS, TECHNICAL, exiftool, tags_of


def photo_with_locations(path: Path) -> bytes:
    """Return a photo with GPS in EXIF and XMP, a city in IPTC, a turn, a profile, and a ZIP."""
    path.write_bytes(photo())
    profile = path.with_suffix(".icc")
    profile.write_bytes(pyvips.Image.profile_load("p3"))
    exiftool("-overwrite_original", "-m", *TAGS, f"-icc_profile<={profile}", path)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("address.txt", NEEDLE)
    path.write_bytes(path.read_bytes() + archive.getvalue())
    return path.read_bytes()


def test_a_published_photo_and_its_variants_say_nothing_about_the_place(
    app: Flask, alice: Client, worker: Worker, tmp_path: Path
) -> None:
    worker.inspect = real
    source = tmp_path / "before.jpg"
    data = photo_with_locations(source)
    sys.stdout.write(f"BEFORE\n{exiftool('-G', '-a', '-warning', '-all', source)}")
    ticket = processing(alice, alice.ad(), data)
    assert worker.run() == [Outcome.PUBLISHED]

    image = read(alice, ticket)["image"]
    # The orientation is 6.
    assert (image["width"], image["height"]) == (900, 1200)
    files = [tmp_path / "after.jpg"]
    files += [tmp_path / f"w{variant['width']}.webp" for variant in image["variants"]]
    urls = [image["image_url"], *(variant["url"] for variant in image["variants"])]
    for path, url in zip(files, urls, strict=True):
        path.write_bytes(httpx.get(url, verify=False).content)
        assert NEEDLE not in path.read_bytes()
        assert b"PK\x03\x04" not in path.read_bytes()
    sys.stdout.write(f"AFTER\n{exiftool('-G', '-a', '-warning', '-all', files[0])}END\n")
    before, published, *variants = tags_of([source, *files])
    assert before["EXIF:GPSLatitude"] == 52.52
    assert {"XMP:City", "IPTC:City", "XMP:GPSLatitude", "File:Comment"} <= before.keys()
    left = {name for name in published if name.partition(":")[0] not in TECHNICAL}
    assert left == {"SourceFile", "EXIF:Orientation"}
    assert published["EXIF:Orientation"] == 6
    assert published["ICC_Profile:ProfileDescription"] == "sP3C"
    for tags in variants:
        assert {name for name in tags if name.partition(":")[0] not in TECHNICAL} == {"SourceFile"}
