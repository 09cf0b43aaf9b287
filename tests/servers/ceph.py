"""Ceph's S3 gateway (RGW) on a cluster of its own, from Debian's packages.

It starts in a few seconds. Debian 12 has Ceph 16, the oldest release that operators still run.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.local.process import LOOPBACK, ChildProcess, answers
from tests.servers import START_TIMEOUT, S3Server, start_on_free_port
from tests.servers.ceph_cluster import Cluster, cluster
from tests.servers.ceph_users import set_policy

ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105
ADMIN = "broker"
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}],
}


@contextlib.contextmanager
def ceph() -> Iterator[S3Server]:
    """Run an empty Ceph with one gateway; raise ServerNotInstalled."""
    with (
        tempfile.TemporaryDirectory(prefix="ceph-", ignore_cleanup_errors=True) as name,
        cluster(Path(name)) as made,
    ):
        gateway, url = start_on_free_port(lambda port: _started_gateway(made, port))
        try:
            _create_admin(made)
            server = S3Server(url, ACCESS_KEY, SECRET_KEY, gateway.pid, name="ceph", row="ceph")
            # An object belongs to the user who sent it, and not to the owner of its bucket.
            set_policy(server, ADMIN, EVERYTHING)
            yield server
            gateway.check()
        finally:
            gateway.stop(grace=0)


def _create_admin(cluster: Cluster) -> None:
    """Create the user that owns the buckets of the tests, and may create further users."""
    names = ["--uid", ADMIN, "--display-name", ADMIN]
    keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]
    rights = ["--caps", "users=*;user-policy=*"]
    cluster.run("radosgw-admin", "user", "create", *names, *keys, *rights)


def _started_gateway(cluster: Cluster, port: int) -> tuple[ChildProcess, str]:
    gateway = cluster.child(
        "radosgw",
        *("-n", "client.rgw", "--rgw-data", str(cluster.directory)),
        *("--rgw-frontends", f"beast endpoint={LOOPBACK}:{port}"),
    )
    url = f"http://{LOOPBACK}:{port}"
    gateway.start(lambda: answers(url), START_TIMEOUT)
    return gateway, url
