"""Users of Ceph's gateway with policies of their own, as an operator creates them."""

import json
import secrets
from typing import Any

import boto3

from tests.servers import S3Server
from tests.servers.admin_requests import request_as_admin


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy; return its access key and secret key."""
    name, secret = f"user-{secrets.token_hex(6)}", secrets.token_urlsafe(30)
    keys = {"uid": name, "display-name": name, "access-key": name, "secret-key": secret}
    request_as_admin(server, "PUT", "/admin/user", **keys)
    set_policy(server, name, policy)
    return name, secret


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
