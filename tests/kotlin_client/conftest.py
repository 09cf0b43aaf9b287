"""A shop for the Kotlin client: a real broker, an S3 server, and a worker."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.http.worker import Worker, real
from tests.kotlin_client.command import Done, Jvm, SharedJvm, started
from tests.photos import photo
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket

MIB = 1024 * 1024
# For what S3 servers do differently.
ON_BOTH = pytest.mark.parametrize("s3_bucket", ["seaweedfs", "minio"], indirect=True)


@dataclass
class Shop:
    """A broker, an ad, and a folder for files."""

    live: Live
    ad: int
    folder: Path
    shared_jvm: SharedJvm

    @property
    def journal(self) -> str:
        return str(self.folder / "journal")

    def file(self, data: bytes, name: str = "photo.jpg") -> str:
        """Write a file, and return its path."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def images(self) -> list[dict[str, Any]]:
        return self.live.images(self.ad)

    def upload(self, upload_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.live.user.get(f"/api/uploads/{upload_id}/").get_json()
        return found

    def parts(self, upload_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.live.user.get(f"/api/uploads/{upload_id}/parts/").get_json()
        return found

    def run(self, does: str, *files: str, **options: Any) -> Done:
        """Run a command until it ends."""
        return self.begin(does, *files, **options).finish()

    def begin(self, does: str, *files: str, **options: Any) -> Jvm:
        """Start a command, in a JVM that other tests use too. It must be finished."""
        jvm = self.shared_jvm.idle()
        jvm.begin(**self._command(does, files, options))
        return jvm

    @contextlib.contextmanager
    def start(self, does: str, *files: str, **options: Any) -> Iterator[Jvm]:
        """Start a command in a JVM of its own, which may be killed."""
        with started() as jvm:
            jvm.begin(**self._command(does, files, options))
            yield jvm

    def _command(
        self, does: str, files: tuple[str, ...], options: dict[str, Any]
    ) -> dict[str, Any]:
        given = {"url": self.live.url, "tokens": [self.live.token], "owner": f"ad_image/{self.ad}"}
        return {"does": does, "files": files, "journal": self.journal, **given, **options}


OpenShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def shared_jvm() -> Iterator[SharedJvm]:
    """Yield a JVM for the commands of all tests. A test that kills one starts its own."""
    with contextlib.closing(SharedJvm()) as jvm:
        yield jvm


@pytest.fixture
def open_shop(s3_bucket: Bucket, tmp_path: Path, shared_jvm: SharedJvm) -> Iterator[OpenShop]:
    """Return a function that opens a shop. Keyword arguments change the broker's settings."""
    with ExitStack() as stack:

        def opened(**changes: Any) -> Shop:
            settings = {"part_size": 5 * MIB, "multipart_threshold": 8 * MIB, **changes}
            live = stack.enter_context(live_broker(s3_bucket, tmp_path, **settings))
            return Shop(live, live.ad(), tmp_path, shared_jvm)

        yield opened


@contextlib.contextmanager
def working(shop: Shop) -> Iterator[Worker]:
    """Run a worker that decodes the files, until the block ends."""
    directory = shop.folder / "worker"
    directory.mkdir()
    worker, stopped = Worker(shop.live.app, directory, inspect=real), threading.Event()

    def work() -> None:
        while not stopped.wait(0.1):
            worker.run()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield worker
    finally:
        stopped.set()
        thread.join()


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """Return a real photo."""
    return photo()
