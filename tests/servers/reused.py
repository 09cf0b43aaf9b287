"""Buckets and databases that are emptied and reused by one test after another.

Creating them would take most of the time of a short test. If a test changed more than objects and
rows (a policy, a table) or still has a connection, its bucket or database is not reused.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from tests.servers.bucket_state import BucketState
from tests.servers.postgres import Postgres

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Made = TypeVar("Made")
PAGES_MAX = 10  # pages of 1000 objects; with more objects a new bucket is faster
ROWS_LEFT_MAX = 256 * 1024  # a table with deleted rows and more bytes than this is truncated
# The query for columns, indexes, constraints, and the current migration.
SCHEMA = """
SELECT array_agg(line ORDER BY line) FROM (
    SELECT concat_ws(' ', attrelid::regclass, attname, atttypid::regtype, attnotnull, atthasdef)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname) FROM pg_trigger
    UNION ALL SELECT version_num FROM alembic_version
) AS lines (line)
"""
IN_USE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TABLES = """
SELECT array_agg(quote_ident(tablename)), max(pg_relation_size(quote_ident(tablename)::regclass))
FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'event_feed')
"""
# The one row of the feed was inserted by its migration.
FEED = """
UPDATE event_feed
SET last_sequence = 0, pruned_sequence = 0, enqueued_sequence = 0, stopped_at = NULL
"""
SEQUENCES = """
SELECT setval(quote_ident(sequencename)::regclass, 1, false)
FROM pg_sequences WHERE schemaname = 'public'
"""


@dataclass
class Lent(Generic[Made]):
    """A pool of one kind of resource. `emptied` clears one and returns whether it is reusable."""

    make: Callable[[], Made]
    emptied: Callable[[Made], bool]
    _free: list[Made] = field(default_factory=list)

    @contextlib.contextmanager
    def one(self) -> Iterator[Made]:
        """Yield one resource for a test."""
        free, self._free = self._free, []
        # Empty it before use, not after: then the previous test's leftover work has had time to
        # end.
        found = next((one for one in free if self.emptied(one)), None)
        lent = found if found is not None else self.make()
        yield lent
        self._free.append(lent)


def emptied_bucket(
    client: "S3Client", bucket: str, state: BucketState, configured: list[bytes]
) -> bool:
    """Delete all objects and parts; return False if the configuration has changed."""
    try:
        for _ in range(PAGES_MAX):
            if not state.has_objects():
                break
            objects = client.list_objects_v2(Bucket=bucket).get("Contents", [])
            client.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": item["Key"]} for item in objects]}
            )
        else:
            return False
        if state.has_uploads():
            for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                client.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return state.configuration() == configured
    except (BotoCoreError, ClientError, HTTPError):
        return False


def admin_of(endpoint_url: str, access_key: str, secret_key: str) -> "S3Client":
    """Create the S3 client that empties buckets."""
    return boto3.Session(access_key, secret_key, region_name="us-east-1").client(
        "s3", endpoint_url=endpoint_url, config=Config(signature_version="s3v4")
    )


def emptied_database(server: Postgres, name: str, schema: list[str]) -> bool:
    """Delete all rows and restart ids; return False if it is in use or its schema differs."""
    url = server.url(name).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        # Deletions must survive if the next test kills the server.
        connection.execute("SET synchronous_commit = on; SET session_replication_role = replica")
        if _value(connection, IN_USE) or _value(connection, SCHEMA) != schema:
            return False
        tables, largest = connection.execute(TABLES).fetchone() or ([], 0)
        if largest > ROWS_LEFT_MAX:
            connection.execute(f"TRUNCATE {', '.join(tables)}".encode())
        else:
            connection.execute("; ".join(f"DELETE FROM {table}" for table in tables).encode())
        connection.execute(SEQUENCES)
        connection.execute(FEED)
    return True


def schema_of(server: Postgres, name: str) -> list[str]:
    """Return the schema of a database in a comparable form."""
    with psycopg.connect(server.url(name).replace("+psycopg", "")) as connection:
        found: list[str] = _value(connection, SCHEMA)
    return found


def _value(connection: psycopg.Connection[Any], statement: str) -> Any:
    (found,) = connection.execute(statement.encode()).fetchone() or (None,)
    return found
