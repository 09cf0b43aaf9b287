"""Create the storage from the settings; no connection is opened yet."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.domain.profiles import PRIVATE
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import aws_session, region_of
from broker.storage.bucket_connections import Timeouts, connections_to
from broker.storage.buckets import bucket_names, bucket_urls
from broker.storage.heads import ObjectHeads
from broker.storage.object_files import FILE_OPERATIONS, ObjectFiles
from broker.storage.presigner import S3Presigner
from broker.storage.private_reader import PrivateReader
from broker.storage.s3 import (
    ALLOWED_OPERATIONS,
    S3Storage,
    follow_no_redirect,
    refuse_all_but,
)
from broker.storage.sigv4 import Credentials
from broker.storage.timing import watch
from broker.storage.translation import translate_without_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5
ATTEMPTS_MAX = 2
CONNECTIONS_MAX = 32


def client_config(settings: Settings) -> Config:
    """Return boto3's configuration: short timeouts, SigV4, no checksums added by boto3."""
    return Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_MAX},
        max_pool_connections=CONNECTIONS_MAX,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.s3_addressing},
    )


def s3_storage(settings: Settings, session: boto3.Session | None = None) -> S3Storage:
    """Create the storage, with the credentials and the region of `aws_session`."""
    session = session or aws_session()
    region = region_of(session, settings.server)
    client = _client(settings, session, ALLOWED_OPERATIONS)

    def credentials() -> Credentials:
        return _current(session)

    def heads_at(bucket_url: str) -> ObjectHeads:
        return ObjectHeads(
            bucket_url=bucket_url,
            region=region,
            credentials=credentials,
            connections=connections_to(
                bucket_url,
                timeouts=Timeouts(connect=CONNECT_TIMEOUT_SECONDS, answer=READ_TIMEOUT_SECONDS),
                ca_bundle=session._session.get_config_variable("ca_bundle"),
                most=CONNECTIONS_MAX,
            ),
            attempts=ATTEMPTS_MAX,
            reads_digests=settings.server.returns_digests,
        )

    buckets = bucket_names(settings)
    public_urls = bucket_urls(settings, settings.s3_public_url or client.meta.endpoint_url)
    media_url = settings.media_url or f"{public_urls.media.rstrip('/')}/{settings.media_location}"
    return S3Storage(
        client,
        buckets=buckets,
        presigner=S3Presigner(
            buckets=buckets, region=region, credentials=credentials, bucket_urls=public_urls
        ),
        heads=bucket_urls(settings, client.meta.endpoint_url).map(heads_at),
        media_url=media_url.rstrip("/"),
        private_reader=_private_reader(settings, region, public_urls.of(f"{PRIVATE}/")),
        server=settings.server,
    )


def _private_reader(settings: Settings, region: str, bucket_url: str) -> PrivateReader | None:
    """Create what presigns GETs of private objects; None without the second key."""
    key_id, secret = settings.private_access_key_id, settings.private_secret_access_key
    if key_id is None or secret is None:
        return None
    credentials = Credentials(access_key_id=key_id, secret_access_key=secret.get_secret_value())
    return PrivateReader(region=region, credentials=credentials, bucket_url=bucket_url)


def object_files(settings: Settings, session: boto3.Session | None = None) -> ObjectFiles:
    """Create what a worker reads and writes objects with. The API never calls this."""
    client = _client(settings, session or aws_session(), FILE_OPERATIONS)
    return ObjectFiles(client, bucket_names(settings), settings.server)


def _client(settings: Settings, session: boto3.Session, allowed: frozenset[str]) -> "S3Client":
    """Return a client that refuses all operations that are not allowed."""
    client = session.client(
        "s3",
        region_name=region_of(session, settings.server),
        endpoint_url=settings.s3_endpoint_url,
        config=client_config(settings),
    )
    client.meta.events.register("before-parameter-build.s3", refuse_all_but(allowed))
    client.meta.events.register("before-call.s3", follow_no_redirect)
    watch(client)
    return client


def _current(session: boto3.Session) -> Credentials:
    """Return the current credentials; raise StorageDenied if there are none."""
    try:
        found = session.get_credentials()
        # Refreshable credentials are renewed here, ten minutes before they expire.
        frozen = found.get_frozen_credentials() if found is not None else None
    except (BotoCoreError, ClientError) as error:
        # ClientError: STS refuses the role or is busy.
        raise translate_without_object(error) from error
    except RuntimeError as error:
        # botocore raises this if new credentials are already expired by this machine's clock.
        raise StorageDenied(f"The broker has no AWS credentials: {error}") from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise StorageDenied("The broker has no AWS credentials.")
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
    )
