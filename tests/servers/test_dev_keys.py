"""The access keys of `broker dev` on the server that it starts."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from broker.config import Settings
from broker.local.dev_keys import reader_identity, worker_identity
from broker.local.process import free_ports
from broker.local.seaweedfs import EmbeddedS3
from broker.storage.factory import s3_storage
from tests.servers import installed_or_skip
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY
from tests.servers.test_servers import BUCKET, s3_client


def test_the_keys_of_broker_dev_do_what_their_processes_need_and_nothing_else(
    tmp_path: Path,
) -> None:
    port = free_ports(1)[0]
    settings = Settings(
        database_url="sqlite://",
        s3_bucket=BUCKET,
        jwt_secret="s" * 32,
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        private_access_key_id="reader",
        private_secret_access_key="secret-of-the-reader",
    )
    key = worker_identity(settings)
    others = [key, reader_identity(settings)]
    embedded = EmbeddedS3(tmp_path, port, ACCESS_KEY, SECRET_KEY, others=others)
    with installed_or_skip(), embedded, s3_client(embedded.endpoint_url) as s3:
        s3.create_bucket(Bucket=BUCKET)
        for path in ("incoming/a", "backups/a"):
            s3.put_object(Bucket=BUCKET, Key=path, Body=b"bytes")
        with s3_client(embedded.endpoint_url, key.access_key, key.secret_key) as worker:
            assert worker.get_object(Bucket=BUCKET, Key="incoming/a")["Body"].read() == b"bytes"
            for path in ("media/a", "private/a"):
                worker.put_object(Bucket=BUCKET, Key=path, Body=b"bytes", IfNoneMatch="*")
                assert worker.get_object(Bucket=BUCKET, Key=path)["Body"].read() == b"bytes"
            with pytest.raises(ClientError, match="NoSuchKey"):
                worker.get_object(Bucket=BUCKET, Key="incoming/b")
            for attempt in (
                lambda: worker.put_object(Bucket=BUCKET, Key="incoming/a", Body=b"forged"),
                lambda: worker.delete_object(Bucket=BUCKET, Key="incoming/a"),
                lambda: worker.get_object(Bucket=BUCKET, Key="backups/a"),
                lambda: worker.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
            ):
                with pytest.raises(ClientError, match="AccessDenied"):
                    attempt()
        reader = s3_storage(settings).private_reader
        assert reader is not None
        signed = reader.url(
            "private/a", file_name="Zoë.pdf", content_type="application/pdf", now=datetime.now(UTC)
        )
        shown = httpx.get(signed.url)
        assert (shown.status_code, shown.content) == (200, b"bytes")
        assert shown.headers["content-type"] == "application/pdf"
        assert shown.headers["cache-control"] == "private, no-store"
        assert "filename*=UTF-8''Zo%C3%AB.pdf" in shown.headers["content-disposition"]
        with s3_client(embedded.endpoint_url, "reader", "secret-of-the-reader") as client:
            for attempt in (
                lambda: client.get_object(Bucket=BUCKET, Key="media/a"),
                lambda: client.get_object(Bucket=BUCKET, Key="incoming/a"),
                lambda: client.put_object(Bucket=BUCKET, Key="private/b", Body=b"forged"),
                lambda: client.delete_object(Bucket=BUCKET, Key="private/a"),
                lambda: client.list_objects_v2(Bucket=BUCKET, Prefix="private/"),
            ):
                with pytest.raises(ClientError, match="AccessDenied"):
                    attempt()
