"""The queue for Android uploads files to a real broker, on a phone that Robolectric imitates."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kotlin_client.conftest import OpenShop, Shop, working

pytestmark = pytest.mark.matrix(part="kotlin")

MODULE = Path(__file__).parents[2] / "clients/kotlin/client-android"
TESTS = sorted((MODULE / "src/test/kotlin/uploadbroker/android").glob("?*QueueTest.kt"))
TIMEOUT_SECONDS = 150


def run(shop: Shop, *classes: str, photo: str, storage: Path | None = None) -> tuple[int, str]:
    """Run JUnit tests in a JVM, and return its exit code and what it has printed."""
    libraries = (MODULE / "target/test-class-path.txt").read_text().strip()
    android = re.search(r"[^:]*/android-all/[^:]*(?=/[^/:]*\.jar)", libraries)
    assert android
    folders = [str(MODULE / "target" / name) for name in ("classes", "test-classes")]
    properties = {
        "broker.url": shop.live.url,
        "broker.token": shop.live.token,
        "photo": photo,
        # Android's own classes, as Maven has downloaded them.
        "robolectric.offline": "true",
        "robolectric.dependency.dir": android[0],
        "robolectric.usePreinstrumentedJars": "false",
    }
    if storage:
        properties["app.storage"] = str(storage)
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


def test_the_queue_of_an_app(open_shop: OpenShop, jpeg: bytes) -> None:
    shop = open_shop(inspection="required", max_images_per_ad=2)
    with working(shop):
        code, printed = run(shop, *(test.stem for test in TESTS), photo=shop.file(jpeg))
    assert code == 0, printed
    count = sum(test.read_text().count("@Test") for test in TESTS)
    assert f"OK ({count} tests)" in printed


def test_after_a_kill_the_next_process_of_the_app_finishes_the_upload(
    open_shop: OpenShop, jpeg: bytes
) -> None:
    shop = open_shop(inspection="required")
    photo, storage = shop.file(jpeg), shop.folder / "storage"
    code, printed = run(shop, "KilledApp", photo=photo, storage=storage)
    assert code == 9, printed
    with working(shop):
        code, printed = run(shop, "RestartedApp", photo=photo, storage=storage)
    assert code == 0, printed
