"""Users of versitygw. What they may do is in the policy of the bucket, because it has no others.

versitygw 1.7.0 takes no notice of the condition of a statement. So a Deny with a condition would
deny everything, and is left out.
"""

import json
import secrets
from typing import Any

from tests.servers import S3Server
from tests.servers.admin_requests import request_as_admin
from tests.servers.reused import admin_of


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy for one bucket; return its access key and secret key."""
    name, secret = f"user-{secrets.token_hex(6)}", secrets.token_urlsafe(30)
    account = (
        f"<Account><Access>{name}</Access><Secret>{secret}</Secret><Role>user</Role></Account>"
    )
    request_as_admin(server, "PATCH", "/create-user", account.encode())
    own = [
        {**one, "Sid": f"{one['Sid']}{name}", "Principal": {"AWS": [name]}}
        for one in policy["Statement"]
        if "Condition" not in one
    ]
    client = admin_of(server.endpoint_url, server.access_key, server.secret_key)
    bucket = _bucket(own)
    document = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    document["Statement"] += own
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    return name, secret


def _bucket(statements: list[dict[str, Any]]) -> str:
    (name,) = {
        resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        for one in statements
        for resource in one["Resource"]
    }
    return name
