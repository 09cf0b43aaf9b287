"""Parameters for tests on the servers that run in parts of `make matrix`."""

import pytest

ON_VERSITYGW = pytest.mark.matrix(part="versitygw")
ON_CEPH = pytest.mark.matrix(part="ceph")
VERSITYGW = pytest.param("versitygw", marks=ON_VERSITYGW)
CEPH = pytest.param("ceph", marks=ON_CEPH)
EVERY_SERVER = ["seaweedfs", "minio", VERSITYGW, CEPH]
