"""The access keys of `broker dev`, generated at each start."""

import secrets

from broker.config import Settings
from broker.domain.object_keys import INCOMING
from broker.local.seaweedfs import Identity


def worker_identity(settings: Settings) -> Identity:
    """Return a new access key with the permissions of `broker bucket iam inspect`.

    It can also delete below the location of the images: SeaweedFS counts that as writing.
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
            f"List:{bucket}",
        ),
    )
