"""SeaweedFS, the default S3 server of the tests."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.local.seaweedfs import EmbeddedS3
from tests.servers import S3Server, Webhook, start_on_free_port

ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105


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
            server = EmbeddedS3(Path(directory), port, ACCESS_KEY, SECRET_KEY)
            server.start()
            return server

        server = start_on_free_port(start)
        try:
            yield S3Server(server.endpoint_url, ACCESS_KEY, SECRET_KEY, server.pid)
        finally:
            server.stop(grace=0)  # a clean shutdown takes a second and only saves temporary data
