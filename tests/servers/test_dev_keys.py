"""The access keys of `broker dev` on the server that it starts."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from broker.config import Settings
from broker.local.dev_keys import worker_identity
from broker.local.process import free_ports
from broker.local.seaweedfs import EmbeddedS3
from tests.servers import installed_or_skip
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY
from tests.servers.test_servers import BUCKET, s3_client


def test_the_worker_of_broker_dev_reads_what_clients_send_and_writes_only_images(
    tmp_path: Path,
) -> None:
    settings = Settings(database_url="sqlite://", s3_bucket=BUCKET, jwt_secret="s" * 32)
    key = worker_identity(settings)
    embedded = EmbeddedS3(tmp_path, free_ports(1)[0], ACCESS_KEY, SECRET_KEY, others=[key])
    with installed_or_skip(), embedded, s3_client(embedded.endpoint_url) as s3:
        s3.create_bucket(Bucket=BUCKET)
        for path in ("incoming/a", "private/a"):
            s3.put_object(Bucket=BUCKET, Key=path, Body=b"bytes")
        with s3_client(embedded.endpoint_url, key.access_key, key.secret_key) as worker:
            assert worker.get_object(Bucket=BUCKET, Key="incoming/a")["Body"].read() == b"bytes"
            worker.put_object(Bucket=BUCKET, Key="media/a", Body=b"bytes", IfNoneMatch="*")
            assert worker.get_object(Bucket=BUCKET, Key="media/a")["Body"].read() == b"bytes"
            with pytest.raises(ClientError, match="NoSuchKey"):
                worker.get_object(Bucket=BUCKET, Key="incoming/b")
            for attempt in (
                lambda: worker.put_object(Bucket=BUCKET, Key="incoming/a", Body=b"forged"),
                lambda: worker.delete_object(Bucket=BUCKET, Key="incoming/a"),
                lambda: worker.get_object(Bucket=BUCKET, Key="private/a"),
                lambda: worker.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
            ):
                with pytest.raises(ClientError, match="AccessDenied"):
                    attempt()
