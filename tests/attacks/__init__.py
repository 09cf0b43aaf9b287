"""Attacks with many requests at once, on real servers and both databases.

Each ends with the check of all objects against all rows.
"""

import pytest

# A few requests at once in `make test`; thirty on every server and database in `make matrix`.
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
