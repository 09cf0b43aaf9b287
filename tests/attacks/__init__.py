"""Attacks with many requests at once, on real servers and both databases.

At the end, all objects are compared with all rows.
"""

import pytest

# `make test` sends a few requests at once, `make matrix` thirty, on every server and database.
FEW, MANY = 6, 30
PAIRS = [("sqlite", "seaweedfs"), ("postgresql", "minio")]
OTHER_PAIRS = [("sqlite", "minio"), ("postgresql", "seaweedfs")]
SLOW = pytest.mark.matrix(part="attacks")
EACH_PAIR = pytest.mark.parametrize(
    ("database_url", "s3_bucket", "count"),
    [
        *(pytest.param(*pair, FEW) for pair in PAIRS),
        *(pytest.param(*pair, MANY, marks=SLOW) for pair in [*PAIRS, *OTHER_PAIRS]),
    ],
    indirect=["database_url", "s3_bucket"],
)
