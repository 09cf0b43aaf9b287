"""The parts of boto3 that `broker doctor` needs: its credentials and a signed request.

The request is only signed here, not sent. boto3's own client follows a bucket to another region
silently, and the doctor must see the first answer.
"""

from dataclasses import dataclass
from datetime import datetime

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, PartialCredentialsError

from broker.config import Settings
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import aws_session, region_of, session_with_key
from broker.storage.buckets import bucket_urls
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The credentials that boto3's chain found.

    Attributes:
        method: boto3's name for their source; None if it found no credentials.
        temporary: whether they have a session token.
        expires_at: None for long-lived keys, or if the source does not say.
    """

    method: str | None
    temporary: bool
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A signed GET request."""

    url: str
    headers: dict[str, str]


class ChainFault(Exception):
    """boto3's configuration or credentials cannot be read; `setting` names the cause."""

    def __init__(self, error: BotoCoreError | ValueError) -> None:
        super().__init__((str(error).splitlines() or ["no reason given"])[0])
        self.setting = "AWS_PROFILE"
        if isinstance(error, PartialCredentialsError):
            self.setting = str(error.kwargs["cred_var"])


class Probe:
    """The bucket as the broker itself reaches it. The constructor raises ChainFault."""

    def __init__(self, settings: Settings) -> None:
        try:
            self._session = aws_session()
            self.storage: S3Storage = s3_storage(settings, self._session)
        except (BotoCoreError, ValueError) as error:
            raise ChainFault(error) from error
        self._settings = settings
        self.region_is_set = self._session.region_name is not None
        self.region = region_of(self._session, settings.server)
        self.endpoint_url = self.storage.client.meta.endpoint_url
        self.bucket_urls = bucket_urls(settings, self.endpoint_url)

    @property
    def ca_bundle(self) -> str | None:
        """The file of certificates that boto3 trusts instead of its own."""
        found = self._session._session.get_config_variable("ca_bundle")
        return found if isinstance(found, str) else None

    def with_private_key(self) -> S3Storage:
        """Return the bucket as the second key reaches it, which reads private files."""
        secret = self._settings.private_secret_access_key
        session = session_with_key(
            self._settings.private_access_key_id,
            None if secret is None else secret.get_secret_value(),
        )
        return s3_storage(self._settings, session)

    def chain(self) -> Chain:
        """Look up the credentials; raise ChainFault if a source of the chain fails."""
        try:
            found = self._session.get_credentials()
            if found is None:
                return Chain(method=None, temporary=False, expires_at=None)
            frozen = found.get_frozen_credentials()
        except BotoCoreError as error:
            raise ChainFault(error) from error
        return Chain(
            method=found.method if frozen.access_key and frozen.secret_key else None,
            temporary=frozen.token is not None,
            # Refreshable credentials have their expiry in a private attribute only.
            expires_at=getattr(found, "_expiry_time", None),
        )

    def signed_list(self, bucket_url: str, prefix: str) -> SignedRequest:
        """Sign a ListObjectsV2 of one key. Unlike a HEAD, its errors contain a reason.

        Args:
            bucket_url: one of `bucket_urls`; the prefix does not decide here.
            prefix: what the key begins with.
        """
        credentials = self._session.get_credentials()
        if credentials is None:
            raise StorageDenied("The broker has no AWS credentials.")
        request = AWSRequest(
            method="GET",
            url=bucket_url,
            params={"list-type": "2", "max-keys": "1", "prefix": prefix},
        )
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self.region).add_auth(request)
        prepared = request.prepare()
        return SignedRequest(
            url=str(prepared.url),
            headers={name: _text(value) for name, value in prepared.headers.items()},
        )


def _text(value: object) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
