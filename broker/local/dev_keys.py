"""The access keys that `broker dev` adds to its S3 server."""

import secrets

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.domain.profiles import PRIVATE
from broker.local.seaweedfs import Identity


def worker_identity(settings: Settings) -> Identity:
    """Return a new access key with the permissions of `broker bucket iam inspect`.

    It can also delete where it writes: SeaweedFS counts that as writing.
    """
    bucket, location = settings.s3_bucket, settings.media_location
    return Identity(
        name="worker",
        access_key=secrets.token_hex(10),
        secret_key=secrets.token_urlsafe(30),
        actions=(
            f"Read:{bucket}/{INCOMING}/*",
            f"Read:{bucket}/{location}/*",
            f"Write:{bucket}/{location}/*",
            f"Read:{bucket}/{PRIVATE}/*",
            f"Write:{bucket}/{PRIVATE}/*",
            f"List:{bucket}",
        ),
    )


def reader_identity(settings: Settings) -> Identity:
    """Return the key of the settings that reads private files (`broker bucket iam read-private`).

    Raises:
        ValueError: the settings have none.
    """
    key_id, secret = settings.private_access_key_id, settings.private_secret_access_key
    if key_id is None or secret is None:
        raise ValueError("BROKER_PRIVATE_ACCESS_KEY_ID is not set")
    return Identity(
        name="private-reader",
        access_key=key_id,
        secret_key=secret.get_secret_value(),
        actions=(f"Read:{settings.s3_bucket}/{PRIVATE}/*",),
    )
