"""Users of Ceph's gateway with policies of their own, as an operator creates them."""

import json
import secrets
from typing import Any

import boto3

from tests.servers import S3Server
from tests.servers.admin_requests import request_as_admin
from tests.servers.reused import admin_of


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy, for forms too; return its access key and secret key."""
    name, secret = user_without_forms(server, policy)
    _allow_forms(server, name, policy)
    return name, secret


def user_without_forms(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy, whose forms are refused; return both keys.

    Its access key is its name, too.
    """
    name, secret = f"user-{secrets.token_hex(6)}", secrets.token_urlsafe(30)
    keys = {"uid": name, "display-name": name, "access-key": name, "secret-key": secret}
    request_as_admin(server, "PUT", "/admin/user", **keys)
    set_policy(server, name, policy)
    return name, secret


def _allow_forms(server: S3Server, user: str, policy: dict[str, Any]) -> None:
    """Allow a user in the bucket's policy to write: Ceph reads no other policy for forms."""
    client = admin_of(server.endpoint_url, server.access_key, server.secret_key)
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow" or "s3:PutObject" not in statement["Action"]:
            continue
        bucket = statement["Resource"][0].removeprefix("arn:aws:s3:::").partition("/")[0]
        document = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        principal = {"AWS": [f"arn:aws:iam:::user/{user}"]}
        named = {**statement, "Sid": f"{statement['Sid']}{user}", "Principal": principal}
        document["Statement"].append(named)
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def set_policy(server: S3Server, user: str, policy: dict[str, Any]) -> None:
    """Set what a user may do in addition to using its own buckets and objects."""
    iam = boto3.client(
        "iam",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    iam.put_user_policy(UserName=user, PolicyName="broker", PolicyDocument=json.dumps(policy))
