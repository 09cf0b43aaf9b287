"""Users with a policy, on each server that has policies."""

from typing import Any

from tests.servers import S3Server, ceph_users, minio_users, versitygw_users

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
