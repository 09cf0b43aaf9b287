"""Users of MinIO, each with a policy of its own name, through MinIO's admin API.

Only `broker bucket minio-user` imports this module: it needs the extra `minio`, which the API does
not have.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin
from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError

from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from broker.storage.aws_session import aws_session, region_of

TIMEOUT_SECONDS = 30
ATTEMPTS = 2


def save_user(endpoint_url: str, *, name: str, secret: str, policy: dict[str, Any]) -> None:
    """Create a user of MinIO, or replace the secret and the policy of the existing one.

    It signs with the key of the environment, which must be MinIO's root user or an administrator.

    Args:
        endpoint_url: where this process reaches MinIO.
        name: the access key of the user, and the name of its policy.
        secret: the secret key of the user, at least 8 characters.
        policy: an IAM policy document, such as `iam_policy` returns.

    Raises:
        StorageUnavailable: MinIO does not answer.
        StorageDenied: MinIO refuses the key of the environment, the name or the secret; or the
            environment has no key.
    """
    session = aws_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise StorageDenied("The environment has no AWS credentials.")
    base = urlsplit(endpoint_url)
    admin = MinioAdmin(
        endpoint=base.netloc,
        credentials=StaticProvider(
            credentials.access_key, credentials.secret_key, credentials.token
        ),
        region=region_of(session),
        secure=base.scheme == "https",
        # The package's own waits for five minutes, and does not read AWS_CA_BUNDLE.
        http_client=PoolManager(
            timeout=TIMEOUT_SECONDS,
            retries=Retry(ATTEMPTS - 1),
            ca_certs=session._session.get_config_variable("ca_bundle"),  # noqa: SLF001
        ),
    )
    try:
        # Until the last call, a new user may do nothing.
        admin.policy_add(name, policy=policy)
        admin.user_add(name, secret)
        admin.policy_set(name, user=name)
    except MinioAdminException as error:
        raise StorageDenied(f"MinIO refuses the user {name}: {_reason(error)}") from error
    except HTTPError as error:
        raise StorageUnavailable("MinIO does not answer; try again.") from error


def _reason(error: MinioAdminException) -> str:
    """Return MinIO's own message, which the package has only within a longer text."""
    found = re.search(r'"Message":"([^"]+)"', str(error))
    return found[1] if found else str(error)
