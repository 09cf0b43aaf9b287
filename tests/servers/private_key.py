"""A private profile, the key that reads its files, and other keys, as an operator creates them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.config import Settings
from broker.domain.profiles import Profile, Visibility
from broker.storage.bucket_setup.iam import Role, iam_policy
from tests.servers.fixtures import Bucket
from tests.servers.users import new_user


def private_key(bucket: Bucket) -> dict[str, str]:
    """Return settings with a key that has the permissions of `broker bucket iam read-private`."""
    server = bucket.server
    key_id, secret = server.private_key or new_user(
        server, iam_policy(bucket.settings, "read-private")
    )
    return {"private_access_key_id": key_id, "private_secret_access_key": secret}


@contextmanager
def key_with_policy(bucket: Bucket, role: Role, **changes: Any) -> Iterator[None]:
    """Set a key with the policy of a role for apps that start here, if the server has policies.

    `changes` are the settings of these apps that differ from the bucket's.
    """
    with pytest.MonkeyPatch.context() as environment:
        if bucket.server.private_key is None:
            settings = Settings(**{**bucket.settings.model_dump(), **changes})
            key_id, secret = new_user(bucket.server, iam_policy(settings, role))
            environment.setenv("AWS_ACCESS_KEY_ID", key_id)
            environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
        yield


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
