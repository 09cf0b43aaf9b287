"""A real `broker worker` or `broker background`, with only the settings and keys that it needs."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from broker.local.process import ChildProcess
from tests.servers.fixtures import Bucket

BROKER = [sys.executable, "-m", "broker"]
TIMEOUT = 40.0


class WorkerProcess(ChildProcess):
    """A worker, whose log is in `log`.

    Args:
        database_url, bucket: its database and its bucket.
        directory: its working directory.
        options: the options of its command.
        prefix: the beginning of its command.
        command: which command it is.
        more: further variables of its environment.
    """

    def __init__(
        self,
        database_url: str,
        bucket: Bucket,
        directory: Path,
        *options: str,
        prefix: Sequence[str] = (),
        command: str = "worker",
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.log = directory / "worker.log"
        super().__init__(
            [*prefix, *BROKER, command, *options],
            log_file=self.log,
            cwd=directory,
            env={
                "PATH": os.defpath,
                "TMPDIR": str(directory),
                "BROKER_DATABASE_URL": database_url,
                "BROKER_S3_BUCKET": bucket.name,
                "BROKER_S3_ENDPOINT_URL": bucket.server.endpoint_url,
                "AWS_ACCESS_KEY_ID": bucket.server.access_key,
                "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
                "AWS_DEFAULT_REGION": "us-east-1",
                **(more or {}),
            },
            name=f"broker {command}",
        )

    def run(self) -> None:
        """Start it."""
        self.start(lambda: True, TIMEOUT)

    def children(self) -> list[int]:
        """Return the processes that it has started."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in path.read_text().split()]

    def ask_to_end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the process alone, wait for its end, and return its status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(TIMEOUT)


@contextlib.contextmanager
def running(
    database_url: str,
    bucket: Bucket,
    directory: Path,
    *options: str,
    prefix: Sequence[str] = (),
    command: str = "worker",
    more: Mapping[str, str] | None = None,
) -> Iterator[WorkerProcess]:
    """Run a worker until the block ends; see `WorkerProcess`."""
    directory.mkdir(exist_ok=True)
    worker = WorkerProcess(
        database_url, bucket, directory, *options, prefix=prefix, command=command, more=more
    )
    worker.run()
    try:
        yield worker
    finally:
        worker.stop(grace=0)
