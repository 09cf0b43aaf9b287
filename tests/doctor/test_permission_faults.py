"""Credentials with fewer permissions than the broker needs.

They come from a session policy of MinIO's AssumeRole, and a read-only identity of SeaweedFS.
"""

from pathlib import Path
from typing import Any

import pytest

from broker.storage.bucket_setup.iam import Role, iam_policy
from tests.doctor.conftest import READER, Deployment, deploy
from tests.secret_values import READER_SECRET
from tests.servers import S3Server
from tests.servers.header_proxy import header_proxy
from tests.servers.minio import allowed_by

NEEDED = (
    *("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"),
    *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
)


def only(deployment: Deployment, *actions: str) -> None:
    """Set temporary credentials that allow only these actions."""
    name = deployment.bucket.name
    statement = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    as_allowed_by(deployment, {"Version": "2012-10-17", "Statement": [statement]})


def as_allowed_by(deployment: Deployment, policy: dict[str, Any]) -> None:
    """Set temporary credentials with this policy."""
    deployment.set(**allowed_by(deployment.bucket.server, policy))


@pytest.mark.parametrize("role", ["api", "worker"])
def test_the_printed_iam_policy_is_sufficient(on_minio: Deployment, role: Role) -> None:
    as_allowed_by(on_minio, iam_policy(on_minio.bucket.settings, role))
    report = on_minio.doctor(PUT_TTL="600")
    assert report.failed == set()
    assert "temporary" in report.of("credentials", "ok")["detail"]
    assert not [fault for fault in report.faults if fault.startswith("put:")]


def test_a_put_that_may_be_a_copy_is_a_warning_for_the_root_user(
    on_minio: Deployment,
) -> None:
    found = on_minio.doctor().of("put", "warn")
    assert "may replace their photo" in found["detail"]
    assert "broker bucket iam api" in found["fix"]


def test_temporary_credentials_that_expire_before_tickets_are_a_warning(
    on_minio: Deployment,
) -> None:
    only(on_minio, *NEEDED)
    found = on_minio.doctor().of("credentials", "warn")
    assert found["setting"] == "BROKER_PUT_TTL"
    assert found["fix"] == "BROKER_PUT_TTL=600"


def test_temporary_credentials_that_expire_before_the_tickets_of_a_profile_are_a_warning(
    on_minio: Deployment, tmp_path: Path
) -> None:
    only(on_minio, *NEEDED)
    file = tmp_path / "profiles.toml"
    file.write_text("[avatar]\nticket_ttl = 601\nput_ttl = 600\n")
    found = on_minio.doctor(PUT_TTL="600", PROFILES_FILE=str(file)).of("credentials", "warn")
    assert found["detail"].endswith("ticket_ttl of avatar promises 601 s")
    assert found["setting"] == "BROKER_PROFILES_FILE"
    assert found["fix"] == "set ticket_ttl = 600 in the section [avatar]"


def test_a_wrong_session_token_is_not_reported_as_wrong_keys(on_minio: Deployment) -> None:
    only(on_minio, *NEEDED)
    report = on_minio.doctor(AWS_SESSION_TOKEN="x" * 40)
    assert report.of("credentials-known", "fail")["setting"] == "AWS_SESSION_TOKEN"


@pytest.mark.parametrize(
    ("lacking", "check"),
    [
        ("s3:ListBucket", "bucket"),
        ("s3:PutObject", "ticket"),
        ("s3:GetObject", "confirm"),
        ("s3:AbortMultipartUpload", "multipart"),
        ("s3:ListMultipartUploadParts", "multipart"),
    ],
)
def test_a_missing_permission_is_named(on_minio: Deployment, lacking: str, check: str) -> None:
    only(on_minio, *(action for action in NEEDED if action != lacking))
    report = on_minio.doctor()
    fault = report.of(check, "fail")
    assert fault["setting"] == "AWS_ACCESS_KEY_ID"
    assert fault["fix"].startswith(f"allow {lacking} on arn:aws:s3:::{on_minio.bucket.name}")
    assert report.failed == {check}


def test_objects_that_cannot_be_deleted_are_listed(on_minio: Deployment) -> None:
    only(on_minio, *(action for action in NEEDED if action != "s3:DeleteObject"))
    report = on_minio.doctor()
    fault = report.of("removal", "fail")
    assert fault["setting"] == "AWS_ACCESS_KEY_ID"
    assert "s3:DeleteObject" in fault["fix"]
    left = on_minio.keys()
    assert left
    assert any(key in fault["detail"] for key in left)
    for key in left:
        on_minio.client().delete_object(Bucket=on_minio.bucket.name, Key=key)


def test_credentials_that_may_only_read_fail_at_the_ticket(
    strict_seaweedfs: S3Server, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploy(strict_seaweedfs, template, tmp_path, monkeypatch)
    report = deployment.doctor(
        CORS_ORIGINS="", AWS_ACCESS_KEY_ID=READER, AWS_SECRET_ACCESS_KEY=READER_SECRET
    )
    fault = report.of("ticket", "fail")
    assert fault["setting"] == "AWS_ACCESS_KEY_ID"
    assert fault["fix"].startswith("allow s3:PutObject")
    assert report.failed == {"ticket"}
    assert deployment.keys() == []


def test_a_broken_server_does_not_count_as_one_that_refuses(
    on_minio: Deployment,
) -> None:
    with header_proxy(on_minio.bucket.server.endpoint_url, statuses={403: 503}) as url:
        report = on_minio.doctor(S3_PUBLIC_URL=url, CORS_ORIGINS="")
    assert {"public-list", "public-write", "incoming", "policy"} <= report.failed
    assert "neither grants nor refuses" in report.of("policy", "fail")["detail"]
    assert report.of("policy", "fail")["setting"] == "BROKER_S3_PUBLIC_URL"
