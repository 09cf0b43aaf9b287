"""What `broker doctor` needs of boto3: the credentials it would use, and a request signed by them.

The request is only signed here, not sent: boto3's own client follows a bucket into another
region without a word, and the doctor must see the first answer as it is.
"""

from dataclasses import dataclass
from datetime import datetime

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, PartialCredentialsError

from broker.config import Settings
from broker.domain.errors import StorageDenied
from broker.storage.factory import DEFAULT_REGION, bucket_url, s3_storage
from broker.storage.s3 import S3Storage


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What boto3's chain found; `method` is boto3's word for where, None if it found nothing.

    `expires_at` is None for long-lived keys, and for temporary ones whose source does not say.
    """

    method: str | None
    temporary: bool
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A GET to send as it is."""

    url: str
    headers: dict[str, str]


class ChainFault(Exception):
    """boto3's configuration or credentials cannot be read; `setting` is where to look."""

    def __init__(self, error: BotoCoreError | ValueError) -> None:
        super().__init__((str(error).splitlines() or ["no reason given"])[0])
        self.setting = "AWS_PROFILE"
        if isinstance(error, PartialCredentialsError):
            self.setting = str(error.kwargs["cred_var"])


class Probe:
    """The bucket of the settings as the broker itself would reach it; raises ChainFault."""

    def __init__(self, settings: Settings) -> None:
        try:
            self._session = boto3.Session()
            self.storage: S3Storage = s3_storage(settings, self._session)
        except (BotoCoreError, ValueError) as error:
            raise ChainFault(error) from error
        self.region_is_set = self._session.region_name is not None
        self.region = self._session.region_name or DEFAULT_REGION
        self.endpoint_url = self.storage.client.meta.endpoint_url
        self._bucket_url = bucket_url(settings, self.endpoint_url)
        self._location = settings.media_location

    @property
    def ca_bundle(self) -> str | None:
        """Name the file of certificates that boto3 trusts in place of its own."""
        found = self._session._session.get_config_variable("ca_bundle")
        return found if isinstance(found, str) else None

    def chain(self) -> Chain:
        """Look credentials up; raises ChainFault when one of the chain's sources fails."""
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
            # Refreshable credentials know when they lapse, but tell it under a private name only.
            expires_at=getattr(found, "_expiry_time", None),
        )

    def signed_list(self) -> SignedRequest:
        """Sign ListObjectsV2 of one key: unlike HEAD's, its answer has a body that says why."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise StorageDenied("The broker has no AWS credentials.")
        request = AWSRequest(
            method="GET",
            url=self._bucket_url,
            params={"list-type": "2", "max-keys": "1", "prefix": f"{self._location}/"},
        )
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self.region).add_auth(request)
        prepared = request.prepare()
        return SignedRequest(
            url=str(prepared.url),
            headers={name: _text(value) for name, value in prepared.headers.items()},
        )


def _text(value: object) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)
