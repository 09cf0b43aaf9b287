"""The key that reads the private files of a bucket, as an operator creates it."""

from broker.storage.bucket_setup.iam import iam_policy
from tests.servers.fixtures import Bucket
from tests.servers.minio_users import new_user


def private_key(bucket: Bucket) -> dict[str, str]:
    """Return settings with a key that has the permissions of `broker bucket iam read-private`."""
    server = bucket.server
    key_id, secret = server.private_key or new_user(
        server, iam_policy(bucket.settings, "read-private")
    )
    return {"private_access_key_id": key_id, "private_secret_access_key": secret}
