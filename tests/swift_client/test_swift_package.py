"""The Swift package is compiled, runs its tests, and uploads to a broker with a worker.

`make swift` runs this; it needs Swift 6. On Linux everything is compiled except the few lines that
set up Apple's background session.
"""

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.worker import Worker, real
from tests.photos import photo
from tests.python_client.live import live_broker
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

PACKAGE = Path(__file__).parents[2] / "clients/swift"
MIB = 1024 * 1024


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Return a small photo, and one that is sent in two parts."""
    if shutil.which("swift") is None:
        pytest.fail("Swift 6 is needed; on Debian 13 it is the package swiftlang")
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(photo())
    large.write_bytes(photo(8000, 6000))
    assert small.stat().st_size < 4 * MIB
    assert large.stat().st_size > 8 * MIB
    return small, large


def swift_test(folder: Path, variables: dict[str, str]) -> str:
    """Run the package's tests with these variables. Return what they print."""
    ran = subprocess.run(
        ["swift", "test", "--package-path", str(PACKAGE), "--scratch-path", str(folder / "build")],
        env={
            **os.environ,
            "HOME": str(folder),
            **{f"UPLOAD_BROKER_{name}": value for name, value in variables.items()},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@contextlib.contextmanager
def working(worker: Worker) -> Iterator[None]:
    """Let a worker process uploads in a thread."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.2):
            worker.run()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@pytest.mark.matrix(part="swift")
@pytest.mark.timeout(1200)
def test_the_swift_package_passes_its_tests_and_uploads_over_cut_connections(
    tmp_path: Path, photos: tuple[Path, Path], s3_bucket: Bucket
) -> None:
    budgets = [MIB // 4, MIB, 2 * MIB]
    (tmp_path / "worker").mkdir()
    with (
        cutting_proxy(s3_bucket.server.endpoint_url, budgets) as network,
        live_broker(
            s3_bucket,
            tmp_path,
            s3_public_url=network.url,
            inspection="required",
            multipart_threshold=4 * MIB,
        ) as live,
        working(Worker(live.app, tmp_path / "worker", inspect=real)),
    ):
        ad, (small, large) = live.ad(), map(str, photos)
        printed = swift_test(
            tmp_path,
            {
                "URL": live.url,
                "TOKEN": live.token,
                "AD": str(ad),
                "PHOTO": small,
                "LARGE_PHOTO": large,
            },
        )
        images = live.images(ad)
    assert "warning:" not in printed
    # The first connection may be the one that carries a few bytes that are no photo.
    assert network.cut >= 2
    assert len(images) == 2
    assert all(image["variants"] for image in images)
