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
from tests.processes import await_true
from tests.python_client.live import Live, live_broker
from tests.servers.bad_network import Network
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

pytestmark = [pytest.mark.matrix(part="swift"), pytest.mark.timeout(1200)]
PACKAGE = Path(__file__).parents[2] / "clients/swift"
MIB = 1024 * 1024


LARGE = "testALargePhotoIsSentInPartsAndPublished"


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Return a small photo, and one that is sent in two parts."""
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(photo())
    large.write_bytes(photo(8000, 6000))
    assert small.stat().st_size < 4 * MIB
    assert large.stat().st_size > 8 * MIB
    return small, large


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the package and its tests. Return the folder."""
    if shutil.which("swift") is None:
        pytest.fail("Swift 6 is needed; on Debian 13 it is the package swiftlang")
    folder = tmp_path_factory.mktemp("swift")
    built = swift("build", "--build-tests", folder=folder, home=folder, variables={})
    printed, _ = built.communicate()
    assert built.returncode == 0, printed
    assert "warning:" not in printed
    return folder


def swift(
    command: str, *options: str, folder: Path, home: Path, variables: dict[str, str]
) -> subprocess.Popen[str]:
    """Start a command of the Swift package manager in a session of its own."""
    paths = ["--package-path", str(PACKAGE), "--scratch-path", str(folder / "build")]
    return subprocess.Popen(
        ["swift", command, *paths, *options],
        env={
            **os.environ,
            "HOME": str(home),
            **{f"UPLOAD_BROKER_{name}": value for name, value in variables.items()},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


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


@contextlib.contextmanager
def broker(bucket: Bucket, folder: Path, network: Network) -> Iterator[Live]:
    """Serve a broker with a worker. Its tickets lead through the network to the bucket."""
    (folder / "worker").mkdir()
    changes = {"s3_public_url": network.url, "multipart_threshold": 4 * MIB}
    with (
        live_broker(bucket, folder, inspection="required", **changes) as live,
        working(Worker(live.app, folder / "worker", inspect=real)),
    ):
        yield live


def variables(live: Live, ad: int, photos: tuple[Path, Path]) -> dict[str, str]:
    """Return the environment of LiveTests."""
    small, large = map(str, photos)
    place = {"URL": live.url, "TOKEN": live.token, "AD": str(ad)}
    return {**place, "PHOTO": small, "LARGE_PHOTO": large}


def test_the_package_passes_its_tests_and_uploads_over_cut_connections(
    tmp_path: Path, photos: tuple[Path, Path], s3_bucket: Bucket, build: Path
) -> None:
    budgets = [MIB // 4, MIB, 2 * MIB]
    with (
        cutting_proxy(s3_bucket.server.endpoint_url, budgets) as network,
        broker(s3_bucket, tmp_path, network) as live,
    ):
        ad = live.ad()
        environment = variables(live, ad, photos)
        ran = swift("test", "--skip-build", folder=build, home=tmp_path, variables=environment)
        printed, _ = ran.communicate()
        images = live.images(ad)
    assert ran.returncode == 0, printed
    # The first connection may be the one that carries a few bytes that are no photo.
    assert network.cut >= 2
    assert len(images) == 2
    assert all(image["variants"] for image in images)


def test_after_kill_9_the_next_process_sends_only_the_missing_part(
    tmp_path: Path, photos: tuple[Path, Path], s3_bucket: Bucket, build: Path
) -> None:
    with (
        cutting_proxy(s3_bucket.server.endpoint_url) as network,
        broker(s3_bucket, tmp_path, network) as live,
    ):
        ad = live.ad()
        environment = {**variables(live, ad, photos), "QUEUE": "killed"}

        def start() -> subprocess.Popen[str]:
            only = ["--skip-build", "--filter", LARGE]
            return swift("test", *only, folder=build, home=tmp_path, variables=environment)

        def upload() -> str | None:
            pending = live.user.get(f"/api/ads/{ad}/uploads/").get_json()["results"]
            return pending[0]["id"] if pending else None

        def missing() -> list[int]:
            found: list[int] = live.user.get(f"/api/uploads/{upload()}/parts/").get_json()[
                "missing"
            ]
            return found

        network.slow_down(MIB)
        killed = start()
        await_true(upload, timeout=120)
        await_true(lambda: missing() == [1], timeout=60)
        # The package manager starts the tests in another group of the same session.
        subprocess.run(["pkill", "-KILL", "-s", str(killed.pid)], check=True)
        killed.communicate()
        first = upload()
        network.take_down()  # nothing of the killed process is on its way any more
        network.mend()
        sent = network.sent
        printed, _ = (again := start()).communicate()
        assert again.returncode == 0, printed
        assert live.user.get(f"/api/uploads/{first}/").get_json()["state"] == "confirmed"
        assert len(live.images(ad)) == 1
        assert network.sent - sent < 8.5 * MIB, "only the first part of 8 MiB"
