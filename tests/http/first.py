"""Marks for slow tests: one database or one server now, the other in `make matrix`."""

import pytest

_OTHER = pytest.mark.matrix(part="walks")
FIRST_SERVER = pytest.mark.parametrize(
    ("database_url", "s3_bucket"),
    [("sqlite", "seaweedfs"), pytest.param("postgresql", "minio", marks=_OTHER)],
    indirect=True,
)
FIRST_BUCKET = pytest.mark.parametrize(
    "s3_bucket", ["seaweedfs", pytest.param("minio", marks=_OTHER)], indirect=True
)
FIRST_DATABASE = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=_OTHER)], indirect=True
)
