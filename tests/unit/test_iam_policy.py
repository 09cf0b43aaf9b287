"""`broker bucket iam` prints a policy for each role, with the minimum permissions."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from broker.cli import broker
from broker.config import Settings
from broker.storage.bucket_setup.iam import ROLES, Role, iam_policy
from tests.servers.fixtures import SECRET
from tests.servers.private_key import with_private_profile

READ, WRITE = "s3:GetObject", "s3:PutObject"
ENDS = {"s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}


def policy_of(monkeypatch: pytest.MonkeyPatch, role: str, inspection: str) -> list[dict[str, Any]]:
    """Return the statements that the command prints."""
    monkeypatch.setenv("BROKER_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("BROKER_S3_BUCKET", "media-bucket")
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)
    monkeypatch.setenv("BROKER_INSPECTION", inspection)
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/uploads"
    monkeypatch.setenv("BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL", url)
    answer = CliRunner().invoke(broker, ["bucket", "iam", role])
    assert answer.exit_code == 0, answer.output
    assert "Note: " in answer.stderr
    statements: list[dict[str, Any]] = json.loads(answer.stdout)["Statement"]
    return statements


@pytest.mark.parametrize(
    ("role", "inspection", "media", "incoming", "private"),
    [
        ("api", "required", {READ, *ENDS}, {READ, WRITE, *ENDS}, set()),
        ("worker", "required", {READ, *ENDS}, {READ, WRITE, *ENDS}, set()),
        ("api", "off", {READ, WRITE, *ENDS}, {READ, WRITE, *ENDS}, set()),
        ("worker", "off", {READ, WRITE, *ENDS}, {READ, WRITE, *ENDS}, set()),
        ("inspect", "required", {READ, WRITE}, {READ}, {READ, WRITE}),
        ("inspect", "off", {READ, WRITE}, {READ}, {READ, WRITE}),
        ("read-private", "required", set(), set(), {READ}),
    ],
)
def test_the_iam_policies_grant_only_what_each_needs(
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    inspection: str,
    media: set[str],
    incoming: set[str],
    private: set[str],
) -> None:
    statements = policy_of(monkeypatch, role, inspection)
    bucket = "arn:aws:s3:::media-bucket"
    wanted = {
        f"{bucket}/media/*": media,
        f"{bucket}/incoming/*": incoming,
        f"{bucket}/private/*": private,
        bucket: set() if role == "read-private" else {"s3:ListBucket"},
    }
    queue = "arn:aws:sqs:eu-central-1:123456789012:uploads"
    if role == "worker":
        wanted[queue] = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
    assert allowed(statements) == {place: actions for place, actions in wanted.items() if actions}
    denied = [(one["Action"], one["Resource"]) for one in statements if one["Effect"] == "Deny"]
    if role == "read-private":
        assert denied == []  # it can do nothing else anyway
    else:
        published = [f"{bucket}/media/*", f"{bucket}/private/*"]
        assert denied == [
            ([WRITE], published),
            ([READ], [f"{bucket}/*"]),
        ]


@pytest.mark.parametrize("role", ["api", "worker", "inspect"])
@pytest.mark.parametrize("server", ["other", "minio", "ceph"])
def test_if_policies_do_not_see_presigned_requests_nobody_copies_to_incoming(
    monkeypatch: pytest.MonkeyPatch, role: str, server: str
) -> None:
    monkeypatch.setenv("BROKER_S3_SERVER", server)
    copies = [
        (one["Action"], one["Resource"], one["Condition"])
        for one in policy_of(monkeypatch, role, "required")
        if "copy-source" in str(one.get("Condition"))
    ]
    any_source = {"StringLike": {"s3:x-amz-copy-source": ["*/*"]}}
    denied = ([WRITE], ["arn:aws:s3:::media-bucket/incoming/*"], any_source)
    assert copies == ([denied] if server == "ceph" else [])


@pytest.mark.parametrize(
    ("role", "is_inspected", "private"),
    [
        ("api", True, ENDS),
        ("api", False, {WRITE, *ENDS}),
        ("worker", True, {READ, *ENDS}),
        ("worker", False, {READ, WRITE, *ENDS}),
    ],
)
def test_private_profiles_add_what_their_files_need(
    role: Role, is_inspected: bool, private: set[str]
) -> None:
    settings = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret=SECRET)
    without = allowed(iam_policy(settings, role)["Statement"])
    place = "arn:aws:s3:::media-bucket/private/*"
    assert place not in without
    changed = with_private_profile(settings, is_inspected=is_inspected)
    assert allowed(iam_policy(changed, role)["Statement"]) == {**without, place: private}


def test_with_a_key_to_read_private_files_the_api_may_delete_what_the_doctor_tried() -> None:
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        jwt_secret=SECRET,
        private_access_key_id="reader",
        private_secret_access_key="secret-of-the-reader",
    )
    found = allowed(iam_policy(settings, "api")["Statement"])
    assert found["arn:aws:s3:::media-bucket/private/*"] == ENDS


def allowed(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the allowed actions of each resource."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        for resource in statement["Resource"]:
            if statement["Effect"] == "Allow":
                found.setdefault(resource, set()).update(statement["Action"])
    return found


def test_private_files_never_get_a_public_acl() -> None:
    for acl, may_set in (("public-read", False), ("bucket-owner-full-control", True)):
        settings = Settings(
            database_url="sqlite://", s3_bucket="media-bucket", jwt_secret=SECRET, default_acl=acl
        )
        for role in ROLES:
            policy = iam_policy(with_private_profile(settings), role)
            found = allowed(policy["Statement"])
            actions = found["arn:aws:s3:::media-bucket/private/*"]
            assert ("s3:PutObjectAcl" in actions) == (may_set and role != "read-private")


def test_the_iam_policies_allow_acls_where_objects_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_DEFAULT_ACL", "public-read")
    for role, place in (("api", "incoming"), ("inspect", "media")):
        (statement,) = (
            one
            for one in policy_of(monkeypatch, role, "required")
            if "s3:PutObjectAcl" in one["Action"]
        )
        assert f"arn:aws:s3:::media-bucket/{place}/*" in statement["Resource"]
