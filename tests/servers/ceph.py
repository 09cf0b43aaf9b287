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

ACCESS_KEY = "broker-test"
SECRET_KEY = "broker-test-secret"  # noqa: S105


@contextlib.contextmanager
def ceph() -> Iterator[S3Server]:
    """Run an empty Ceph with one gateway; raise ServerNotInstalled."""
    with (
        tempfile.TemporaryDirectory(prefix="ceph-", ignore_cleanup_errors=True) as name,
        cluster(Path(name)) as made,
    ):
        gateway, url = start_on_free_port(lambda port: _started_gateway(made, port))
        try:
            new_ceph_user(made, "broker", ACCESS_KEY, SECRET_KEY)
            yield S3Server(url, ACCESS_KEY, SECRET_KEY, gateway.pid, name="ceph")
            gateway.check()
        finally:
            gateway.stop(grace=0)


def new_ceph_user(cluster: Cluster, name: str, access_key: str, secret_key: str) -> None:
    """Create a user of the gateway, who may create buckets and use them."""
    names = ["--uid", name, "--display-name", name]
    keys = ["--access-key", access_key, "--secret-key", secret_key]
    cluster.run("radosgw-admin", "user", "create", *names, *keys)


def _started_gateway(cluster: Cluster, port: int) -> tuple[ChildProcess, str]:
    gateway = cluster.child(
        "radosgw",
        *("-n", "client.rgw", "--rgw-data", str(cluster.directory)),
        *("--rgw-frontends", f"beast endpoint={LOOPBACK}:{port}"),
    )
    url = f"http://{LOOPBACK}:{port}"
    gateway.start(lambda: answers(url), START_TIMEOUT)
    return gateway, url
