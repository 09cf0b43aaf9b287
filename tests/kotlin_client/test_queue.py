"""The queue for Android uploads files to a real broker, on a phone that Robolectric imitates."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kotlin_client.conftest import OpenShop, Shop, working

pytestmark = [pytest.mark.matrix(part="kotlin"), pytest.mark.timeout(600)]

MODULE = Path(__file__).parents[2] / "clients/kotlin/client-android"
TESTS = sorted((MODULE / "src/test/kotlin/uploadbroker/android").glob("?*QueueTest.kt"))
TIMEOUT_SECONDS = 280


def run(shop: Shop, *classes: str, photo: str) -> tuple[int, str]:
    """Run JUnit tests in a JVM, and return its exit code and what it has printed."""
    libraries = (MODULE / "target/test-class-path.txt").read_text().strip()
    android = re.search(r"[^:]*/android-all/[^:]*(?=/[^/:]*\.jar)", libraries)
    assert android
    folders = [str(MODULE / "target" / name) for name in ("classes", "test-classes")]
    properties = {
        "broker.url": shop.live.url,
        "broker.token": shop.live.token,
        "photo": photo,
        "app.storage": str(shop.folder / "storage"),
        # Android's own classes, as Maven has downloaded them.
        "robolectric.offline": "true",
        "robolectric.dependency.dir": android[0],
        "robolectric.usePreinstrumentedJars": "false",
    }
    command = [
        "java",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        # Android's classes use private fields of Java's FileDescriptor.
        *("--add-opens", "java.base/java.io=ALL-UNNAMED"),
        *(f"-D{name}={value}" for name, value in properties.items()),
        "-cp",
        os.pathsep.join([*folders, libraries]),
        "org.junit.runner.JUnitCore",
        *(f"uploadbroker.android.{name}" for name in classes),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    return done.returncode, done.stdout[-20_000:] + done.stderr[-5_000:]


def test_the_queue_of_an_app_also_finishes_what_a_killed_process_has_left(
    open_shop: OpenShop, jpeg: bytes
) -> None:
    """The restart and the tests of the queue share a JVM: Android's classes take long to load."""
    shop = open_shop(inspection="required", max_images_per_ad=2)
    photo = shop.file(jpeg)
    code, printed = run(shop, "KilledApp", photo=photo)
    assert code == 9, printed
    classes = [test.stem for test in TESTS]
    with working(shop):
        # The restart comes first, because WorkManager starts once in a process.
        code, printed = run(shop, "RestartedApp", *classes, photo=photo)
    assert code == 0, printed
    count = 1 + sum(test.read_text().count("@Test") for test in TESTS)
    assert f"OK ({count} tests)" in printed
