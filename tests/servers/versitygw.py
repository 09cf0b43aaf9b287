"""versitygw, an S3 server on a file system. It is the strictest one of the tests.

It has no IAM policies: what a user may do is in the policy of the bucket.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, answers
from tests.servers import START_TIMEOUT, S3Server, start_on_free_port
from tests.servers.go_programs import go_program

VERSION = "1.7.0"
ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105
HEALTH = "/healthz"


@contextlib.contextmanager
def versitygw() -> Iterator[S3Server]:
    """Run versitygw on an empty directory; raise ServerNotInstalled."""
    binary = versitygw_binary()
    with tempfile.TemporaryDirectory(
        prefix="versitygw-", dir=_parent_with_attributes(), ignore_cleanup_errors=True
    ) as name:
        directory = Path(name)
        for folder in ("buckets", "users"):
            (directory / folder).mkdir()

        def start(port: int) -> tuple[ChildProcess, str]:
            url = f"http://{LOOPBACK}:{port}"
            child = _child(binary, directory, port)
            child.start(lambda: answers(url + HEALTH), START_TIMEOUT)
            return child, url

        child, url = start_on_free_port(start)
        try:
            yield S3Server(
                url, ACCESS_KEY, SECRET_KEY, child.pid, name="versitygw", row="versitygw"
            )
            child.check()
        finally:
            child.stop()


def versitygw_binary() -> str:
    """Return the path of versitygw; raise ServerNotInstalled."""
    package = f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}"
    return go_program("versitygw", "versitygw", package)


def _parent_with_attributes() -> str:
    """Return a directory for temporary files that stores extended attributes (Linux)."""
    candidates = [tempfile.gettempdir(), "/var/tmp"]
    for parent in candidates:
        with tempfile.NamedTemporaryFile(dir=parent) as file, contextlib.suppress(OSError):
            os.setxattr(file.name, "user.broker-test", b"1")
            return parent
    raise ServerNotInstalled(
        "versitygw needs extended attributes, which the file systems of"
        f" {' and '.join(candidates)} do not store: set TMPDIR"
    )


def _child(binary: str, directory: Path, port: int) -> ChildProcess:
    return ChildProcess(
        [
            *(binary, "--port", f"{LOOPBACK}:{port}", "--health", HEALTH, "--quiet"),
            *("--iam-dir", str(directory / "users"), "--iam-cache-disable"),
            *("posix", str(directory / "buckets")),
        ],
        log_file=directory / "versitygw.log",
        cwd=directory,
        env={
            "PATH": os.defpath,
            "HOME": str(directory),
            "ROOT_ACCESS_KEY": ACCESS_KEY,
            "ROOT_SECRET_KEY": SECRET_KEY,
        },
    )
