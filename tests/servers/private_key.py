"""A private profile, and the key that reads its files, as an operator creates it."""

from broker.config import Settings
from broker.domain.profiles import Profile, Visibility
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


def with_private_profile(settings: Settings, *, is_inspected: bool = False) -> Settings:
    """Return the settings with a private profile, as a file of profiles declares it."""
    invoice = Profile(
        name="invoice",
        owner_kind="invoice",
        prefix="invoices/order_",
        content_types=("image/jpeg",),
        max_bytes=1,
        visibility=Visibility.PRIVATE,
        is_inspected=is_inspected,
    )
    changed = settings.model_copy()
    changed._declared = (invoice,)  # noqa: SLF001 - without a file
    return changed
