"""Attacks with many requests at once, on real servers and both databases.

At the end, all objects are compared with all rows.
"""

import pytest

from tests.servers.parts import CEPH, EVERY_SERVER, VERSITYGW

# `make test` sends a few requests at once, and `make matrix` thirty.
FEW, MANY = 6, 30
PAIRS = [("sqlite", "seaweedfs"), ("postgresql", "minio")]
SLOW = pytest.mark.matrix(part="attacks")
EACH_PAIR = pytest.mark.parametrize(
    ("database_url", "s3_bucket", "count"),
    [
        *(pytest.param(*pair, FEW) for pair in PAIRS),
        *(pytest.param(*pair, MANY, marks=SLOW) for pair in PAIRS),
    ],
    indirect=["database_url", "s3_bucket"],
)
# For attacks on private files. With SLOW, each server would also run in that part.
EACH_BUCKET = pytest.mark.parametrize("any_bucket", EVERY_SERVER, indirect=True)
SLOW_ON_EACH_BUCKET = pytest.mark.parametrize(
    "any_bucket",
    [
        *(pytest.param(name, marks=SLOW) for name in ("seaweedfs", "minio")),
        VERSITYGW,
        CEPH,
    ],
    indirect=True,
)
