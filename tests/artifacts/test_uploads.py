"""Each client uploads one photo from its package to the broker of the wheel."""

import fcntl
import os
import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.artifacts.away import ROOT, Away
from tests.artifacts.conftest import Built, Live, answer_of, installed
from tests.house.test_versions import version

pytestmark = [pytest.mark.matrix(part="artifacts"), pytest.mark.timeout(600)]

PROGRAMS = Path(__file__).parent / "programs"


def assert_published(live: Live, ad: int, client: str, url: str) -> None:
    """Check that this photo is the only one of its ad, and that anyone can read it."""
    (image,) = live.images(ad)
    assert (image["image_url"], image["alt_text"]) == (url, client)
    public = httpx.get(url)
    assert (public.status_code, public.content[:3]) == (200, b"\xff\xd8\xff")


def test_the_broker_runs_from_its_wheel_and_its_checkout_is_not_there(live: Live) -> None:
    where = live.away.run(live.python, "-c", "import broker; print(broker.__file__)")
    assert Path(where.strip()).is_relative_to(live.away.folder)
    assert live.away.run("ls", "-A", ROOT) == ""
    told = live.away.run(live.python.with_name("broker"), "--version")
    assert told == f"broker {version()}\n"


def test_broker_upload_uploads_a_photo(live: Live, away: Away) -> None:
    ad = live.new_ad()
    command = [live.python.with_name("broker"), "upload", "photo.jpg", "--url", live.url]
    away.run(*command, "--ad", str(ad), "--alt-text", "broker upload", BROKER_TOKEN=live.token)
    (image,) = live.images(ad)
    assert_published(live, ad, "broker upload", image["image_url"])


def test_the_python_client_uploads_a_photo(built: Built, live: Live, away: Away) -> None:
    (wheel,) = built.first.glob("upload_broker_client-*.whl")
    python = installed(away.folder / "venv", str(wheel))
    shutil.copy(PROGRAMS / "upload.py", away.folder)
    ad = live.new_ad()
    answer = answer_of(away.run(python, "upload.py", **live.env(ad)))
    assert Path(answer["client"]).is_relative_to(away.folder)
    assert_published(live, ad, "Python", answer["url"])


def test_the_javascript_client_uploads_a_photo(built: Built, live: Live, away: Away) -> None:
    (package,) = built.first.glob("upload-broker-client-*.tgz")
    away.run("npm", "install", "--offline", "--no-audit", "--no-fund", package)
    shutil.copy(PROGRAMS / "upload.mjs", away.folder)
    ad = live.new_ad()
    answer = answer_of(away.run("node", "upload.mjs", **live.env(ad)))
    assert Path(answer["client"]).is_relative_to(away.folder)
    assert_published(live, ad, "JavaScript", answer["url"])


def test_the_kotlin_client_uploads_a_photo(built: Built, live: Live, away: Away) -> None:
    # The libraries that the build has downloaded, as links, but no client that someone installed.
    libraries, linked = Path.home() / ".m2/repository", away.folder / "libraries"
    client = shutil.ignore_patterns("upload-broker")
    shutil.copytree(PROGRAMS / "kotlin", away.folder, dirs_exist_ok=True)
    kotlin = re.search(r"<kotlin.version>(.*)<", (ROOT / "clients/kotlin/pom.xml").read_text())
    assert kotlin is not None
    settings = {
        "maven.repo.local": linked,
        "dist": built.first,
        "client.version": version(),
        "kotlin.version": kotlin[1],
        "kotlin.compiler.daemon": "false",
        "mdep.outputFile": away.folder / "class-path.txt",
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    goals = ["kotlin:compile", "dependency:build-classpath"]
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command = ["mvn", "--quiet", "--batch-mode", *options, *goals]
    with (ROOT / ".ci/maven").open() as script:
        fcntl.flock(script, fcntl.LOCK_EX)  # as the script itself does
        shutil.copytree(libraries, linked, copy_function=os.symlink, ignore=client)
        away.run(*command, MAVEN_OPTS=" ".join(quick))
    found = (away.folder / "class-path.txt").read_text()
    ad = live.new_ad()
    printed = away.run("java", *quick, "-cp", f"target/classes:{found}", "UploadKt", **live.env(ad))
    answer = answer_of(printed)
    assert Path(answer["client"]).is_relative_to(away.folder)
    assert_published(live, ad, "Kotlin", answer["url"])
