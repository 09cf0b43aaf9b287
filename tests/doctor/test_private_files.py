"""Private files: nobody reads them without a URL, and the second key can do nothing else."""

from typing import Any

import pytest

from broker.storage.bucket_setup.iam import PrivateFiles, iam_policy
from tests.doctor.conftest import Deployment
from tests.doctor.test_permission_faults import as_allowed_by
from tests.doctor.test_public_faults import let_anyone
from tests.servers.private_key import private_key

CHECKS = {"private-files", "private-key"}
RARE = pytest.mark.matrix(part="attacks")


def with_key(deployment: Deployment) -> None:
    """Set the key that reads private files."""
    key = private_key(deployment.bucket)
    deployment.set(**{name.upper(): value for name, value in key.items()})


def as_api(deployment: Deployment, **private: bool) -> None:
    """Use a key with the policy of the API for private profiles, inspected or not."""
    policy = iam_policy(deployment.bucket.settings, "api", PrivateFiles(exist=True, **private))
    as_allowed_by(deployment, policy)


@RARE
def test_private_files_are_read_with_urls_only(anywhere: Deployment) -> None:
    with_key(anywhere)
    report = anywhere.doctor()
    assert report.failed == set()
    assert report.passed >= CHECKS


@RARE
def test_the_printed_policies_are_sufficient_and_not_too_wide(on_minio: Deployment) -> None:
    with_key(on_minio)
    as_api(on_minio, are_copied=True)
    report = on_minio.doctor(PUT_TTL="600")
    assert report.failed == set()
    assert report.passed >= CHECKS


@RARE
def test_with_inspection_a_published_file_is_read_because_the_api_writes_none(
    on_minio: Deployment,
) -> None:
    with_key(on_minio)
    as_api(on_minio)
    none = on_minio.doctor(PUT_TTL="600")
    assert "no private file" in none.of("private-files", "skip")["detail"]
    where: dict[str, Any] = {"Bucket": on_minio.bucket.name, "Key": "private/invoices/a.pdf"}
    on_minio.client().put_object(Body=b"an invoice", **where)
    report = on_minio.doctor()
    assert report.passed >= CHECKS
    assert report.failed == set()
    let_anyone(on_minio, GetObject="/private/*")
    assert "private-files" in on_minio.doctor().failed
    on_minio.client().delete_object(**where)


@RARE
def test_a_policy_that_exposes_private_files_is_a_failure(anywhere: Deployment) -> None:
    with_key(anywhere)
    let_anyone(anywhere, GetObject="/private/*")
    fault = anywhere.doctor().of("private-files", "fail")
    assert fault["detail"] == "anyone may read private/, which has private files"
    assert fault["fix"].startswith("broker bucket apply")


@RARE
def test_a_key_that_may_do_more_is_a_failure(anywhere: Deployment) -> None:
    server = anywhere.bucket.server
    report = anywhere.doctor(
        PRIVATE_ACCESS_KEY_ID=server.access_key, PRIVATE_SECRET_ACCESS_KEY=server.secret_key
    )
    assert report.failed == {"private-key"}
    fault = report.of("private-key", "fail")
    assert "read incoming/, list keys, delete, write" in fault["detail"]
    assert fault["setting"] == "BROKER_PRIVATE_ACCESS_KEY_ID"
    assert "broker bucket iam read-private" in fault["fix"]


@RARE
def test_a_key_that_reads_nothing_is_a_failure(anywhere: Deployment) -> None:
    with_key(anywhere)
    report = anywhere.doctor(PRIVATE_SECRET_ACCESS_KEY="another-secret-of-nobody")
    assert report.failed == {"private-files"}
    fault = report.of("private-files", "fail")
    assert "403 SignatureDoesNotMatch" in fault["detail"]
    assert fault["setting"] == "BROKER_PRIVATE_ACCESS_KEY_ID"


@RARE
def test_the_transport_of_the_deployment_is_used(deployment: Deployment) -> None:
    with_key(deployment)
    assert deployment.doctor(DEFAULT_TRANSPORT="put").passed >= CHECKS
