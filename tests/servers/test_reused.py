"""A reused bucket or database looks like a new one."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import psycopg
import pytest

from tests.http.auth.issuer import eventually
from tests.http.client import Client
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket, Buckets
from tests.servers.postgres import Postgres
from tests.servers.reused import Lent


@pytest.fixture
def client(s3_bucket: Bucket) -> Any:
    return boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)


@pytest.mark.parametrize("s3_bucket", ["seaweedfs", "minio"], indirect=True)
def test_a_reused_bucket_has_no_objects_and_no_parts(
    buckets: Buckets, s3_bucket: Bucket, client: Any
) -> None:
    lent = buckets(s3_bucket.server)
    with lent.one() as first:
        keys = ["media/a.jpg", "media/a\nb.jpg", "incoming/ü.jpg", "media/ads/"]
        for key in keys:
            put(first, key)
        begun = client.create_multipart_upload(Bucket=first.name, Key="media/b.jpg")
    with lent.one() as second:
        assert second.name == first.name
        assert list(second.storage.list_objects("")) == []
        listed = client.list_multipart_uploads(Bucket=second.name, Prefix="media/b.jpg")
        assert begun["UploadId"] not in [one["UploadId"] for one in listed.get("Uploads", [])]


@pytest.mark.parametrize("s3_bucket", ["seaweedfs", "minio"], indirect=True)
@pytest.mark.parametrize(
    "alter",
    [
        lambda client, name: client.delete_bucket_policy(Bucket=name),
        lambda client, name: client.put_bucket_policy(Bucket=name, Policy=open_to_all(name)),
        lambda client, name: client.delete_bucket_lifecycle(Bucket=name),
        lambda client, name: client.delete_bucket(Bucket=name),
    ],
)
def test_a_bucket_with_a_changed_configuration_is_not_reused(
    buckets: Buckets, s3_bucket: Bucket, client: Any, alter: Callable[[Any, str], object]
) -> None:
    lent = buckets(s3_bucket.server)
    with lent.one() as first:
        alter(client, first.name)
    with lent.one() as second:
        assert second.name != first.name


def open_to_all(name: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"]}
    statement["Resource"] = [f"arn:aws:s3:::{name}/*"]
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("time", ["before", "after"])
def test_a_reused_database_has_no_rows_and_restarts_ids(alice: Client, time: str) -> None:
    assert alice.get("/api/ads/").get_json()["results"] == []
    assert [alice.ad(), alice.ad()] == [1, 2]


@pytest.mark.parametrize("altered", ["ALTER TABLE ads ADD x int", "DROP INDEX {}", ""])
def test_a_database_with_a_changed_schema_is_not_reused(
    databases: Lent[str], postgres_server: Postgres, altered: str
) -> None:
    with databases.one() as first, connected(postgres_server, first) as connection:
        index = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_%' LIMIT 1"
        (name,) = connection.execute(index).fetchone() or ("",)
        if altered:
            connection.execute(altered.format(name).encode())
    # The server ends a closed connection a moment later.
    eventually(lambda: connections_to(postgres_server, first) == 0)
    with databases.one() as second:
        assert (second == first) == (altered == "")


def test_a_database_with_open_connections_is_not_reused(
    databases: Lent[str], postgres_server: Postgres
) -> None:
    with databases.one() as first:
        pass
    with connected(postgres_server, first), databases.one() as second:
        assert second != first


def connections_to(server: Postgres, name: str) -> int:
    with connected(server, "postgres") as connection:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        (found,) = connection.execute(count, (name,)).fetchone() or (0,)
    return int(found)


def connected(server: Postgres, name: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(server.url(name).replace("+psycopg", ""), autocommit=True)
