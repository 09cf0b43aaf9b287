"""SeaweedFS, the default S3 server of the tests."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.domain.profiles import PRIVATE
from broker.local.seaweedfs import EmbeddedS3, Identity
from tests.servers import S3Server, Webhook, start_on_free_port

ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105
READER = Identity(
    name="private-reader",
    access_key="private-reader",
    secret_key="secret-of-the-private-reader",
    actions=(f"Read:*/{PRIVATE}/*",),
)


@contextlib.contextmanager
def seaweedfs(webhook: Webhook | None = None) -> Iterator[S3Server]:
    """Run an empty SeaweedFS; raise ServerNotInstalled."""
    with tempfile.TemporaryDirectory(prefix="seaweedfs-", ignore_cleanup_errors=True) as directory:
        if webhook is not None:
            # The filer sends the notifications, because SeaweedFS has no bucket notifications.
            lines = ["enabled = true", f'endpoint = "{webhook.url}"']
            lines += [f'bearer_token = "{webhook.secret}"', 'event_types = ["create", "update"]']
            text = "\n".join(["[notification.webhook]", *lines])
            Path(directory, "notification.toml").write_text(text)

        def start(port: int) -> EmbeddedS3:
            server = EmbeddedS3(Path(directory), port, ACCESS_KEY, SECRET_KEY, others=[READER])
            server.start()
            return server

        server = start_on_free_port(start)
        try:
            reader = (READER.access_key, READER.secret_key)
            url = server.endpoint_url
            yield S3Server(url, ACCESS_KEY, SECRET_KEY, server.pid, reader, name="seaweedfs")
            server.check()  # if it has ended by itself, its log says why the tests failed
        finally:
            server.stop(grace=0)  # a clean shutdown takes a second and only saves temporary data
