"""Measure S3 servers and write what they do into docs/s3-servers.md.

python -m tests.servers.report            all servers
python -m tests.servers.report ceph       one of them
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from tests.servers import S3Server, page
from tests.servers.abilities import Seen, Trial, observe
from tests.servers.ceph import ceph
from tests.servers.fixtures import make_bucket
from tests.servers.minio import minio
from tests.servers.seaweedfs import seaweedfs
from tests.servers.versitygw import versitygw

RUN: dict[str, Callable[[], AbstractContextManager[S3Server]]] = {
    "seaweedfs": seaweedfs,
    "minio": minio,
    "versitygw": versitygw,
    "ceph": ceph,
}


def measure(server: S3Server) -> Seen:
    """Return what a server does, asked by a broker that knows nothing about it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BROKER_INSPECTION", "off")
        return observe(Trial(make_bucket(replace(server, row="other"), environment)))


def main(names: list[str]) -> None:
    """Measure the named servers, and replace their columns on the page."""
    text = page.PAGE.read_text()
    tables = page.read(text)
    for name in names or page.MEASURED:
        with RUN[name]() as server:
            columns = page.columns(measure(server))
        for table, cases in columns.items():
            for case, answer in cases.items():
                tables[table][case][name] = answer
    page.PAGE.write_text(page.write(text, tables))


if __name__ == "__main__":
    main(sys.argv[1:])
