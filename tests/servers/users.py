"""Users with a policy, on each server that has policies."""

from typing import Any

from tests.servers import S3Server, ceph_users, minio_users, versitygw_users
from tests.servers.minio import allowed_by

_NEW_USER = {
    "minio": minio_users.new_user,
    "versitygw": versitygw_users.new_user,
    "ceph": ceph_users.new_user,
}


def new_user(server: S3Server, policy: dict[str, Any]) -> tuple[str, str]:
    """Create a user with this policy; return its access key and secret key."""
    return _NEW_USER[server.name](server, policy)


def has_policies(server: S3Server) -> bool:
    """Check whether the server has policies. SeaweedFS has identities with prefixes instead."""
    return server.name in _NEW_USER


def keys_of_user(server: S3Server, policy: dict[str, Any]) -> dict[str, str]:
    """Return an environment with keys that are limited by a policy; temporary ones on MinIO."""
    if server.name == "minio":
        return allowed_by(server, policy)
    key_id, secret = new_user(server, policy)
    return {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
