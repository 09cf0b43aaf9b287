"""Users of MinIO with long-lived keys and policies, as an operator creates them."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from minio.credentials.providers import StaticProvider
from minio.minioadmin import MinioAdmin

from tests.servers import S3Server


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy; return its access key and secret key."""
    name, secret = f"user-{secrets.token_hex(6)}", secrets.token_urlsafe(30)
    url = urlsplit(server.endpoint_url)
    admin = MinioAdmin(
        endpoint=url.netloc,
        credentials=StaticProvider(server.access_key, server.secret_key),
        region="us-east-1",
        secure=url.scheme == "https",
    )
    admin.policy_add(name, policy=policy)
    admin.user_add(name, secret)
    admin.policy_set(name, user=name)
    return name, secret
