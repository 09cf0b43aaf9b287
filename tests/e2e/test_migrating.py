"""Runs the commands of docs/migrating.md on a database like Django's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import psycopg
import pytest

from broker.db import migrate
from tests.http.client import JPEG, SECRET
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres, postgres_binaries

PAGE = (Path(__file__).parent.parent.parent / "docs/migrating.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]
OUTPUT = [text for language, text in BLOCKS if language == ""]
# A typical marketplace: two users, three ads, photos named by cameras and people.
DJANGO = """
CREATE TABLE users_user (id bigserial PRIMARY KEY, email text, first_name text, last_name text,
    avatar text NOT NULL, date_joined timestamptz NOT NULL DEFAULT now());
CREATE TABLE ads_ad (id bigserial PRIMARY KEY, owner_id bigint REFERENCES users_user, title text,
    description text, price numeric(10, 2), is_active boolean, is_sold boolean,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE ads_adimage (id bigserial PRIMARY KEY, ad_id bigint REFERENCES ads_ad, image text,
    alt_text text, "order" int, created_at timestamptz);
INSERT INTO users_user (id, email, first_name, last_name, avatar) VALUES
    (1, 'user@example.com', 'John', 'Doe', 'avatars/user_1/me_AbCdEf1.jpg'),
    (2, 'ann@example.com', 'Ann', 'Roe', '');
INSERT INTO ads_ad (id, owner_id, title, description, price, is_active, is_sold) VALUES
    (1, 1, 'A bicycle', 'Red.', 850.00, true, false), (7, 2, 'A chair', '', 19.99, true, false);
INSERT INTO ads_adimage (ad_id, image, alt_text, "order") VALUES
    (1, 'ads/ad_1/main.jpg', 'front view', 1), (1, 'ads/ad_1/DSC 01+2.jpg', 'say "hi", é', 2),
    (7, 'ads/ad_7/été.jpg', '', 0), (7, 'ads/ad_7/lost.jpg', '', 1);
"""
OBJECTS = [
    *("ads/ad_1/main.jpg", "ads/ad_1/DSC 01+2.jpg", "ads/ad_7/été.jpg"),
    *("avatars/user_1/me_AbCdEf1.jpg", "avatars/user_1/me_before.jpg"),
]


@pytest.fixture
def environment(s3_bucket: Bucket, postgres_server: Postgres, tmp_path: Path) -> dict[str, str]:
    urls = [
        postgres_server.url(postgres_server.create_database()).replace("+psycopg", "")
        for _ in range(2)
    ]
    with psycopg.connect(urls[0]) as connection:
        connection.execute(DJANGO)
    client = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    for key in OBJECTS:
        client.put_object(
            Bucket=s3_bucket.name, Key=f"media/{key}", Body=JPEG, ContentType="image/jpeg"
        )
    path = f"{Path(sys.executable).parent}:{postgres_binaries()}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "DJANGO_DATABASE_URL": urls[0],
        "BROKER_DATABASE_URL": urls[1],
        "BROKER_S3_BUCKET": s3_bucket.name,
        "BROKER_S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "BROKER_JWT_SECRET": SECRET,
    }


def shell(script: str, environment: dict[str, str], directory: Path) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.matrix(part="walks")
def test_the_walk_through_works_as_written(environment: dict[str, str], tmp_path: Path) -> None:
    copy, adopt, compare, back = SHELL
    assert shell(copy, environment, tmp_path).startswith(f"database at {migrate.head()}\n")
    assert shell(adopt, environment, tmp_path) == OUTPUT[0]
    assert shell(compare, environment, tmp_path) == OUTPUT[1]
    # Repeat the command, as on the day of the switch: nothing is duplicated.
    shell(copy, environment, tmp_path)
    shell(adopt, environment, tmp_path)
    with psycopg.connect(environment["BROKER_DATABASE_URL"]) as broker:
        assert broker.execute("SELECT price, places_taken FROM ads ORDER BY id").fetchall() == [
            (85000, 2),
            (1999, 1),
        ]
        found = broker.execute('SELECT key, alt_text, "order" FROM images ORDER BY key').fetchall()
        assert found == [
            ("ads/ad_1/DSC 01+2.jpg", 'say "hi", é', 2),
            ("ads/ad_1/main.jpg", "front view", 1),
            ("ads/ad_7/été.jpg", "", 0),
            ("avatars/user_1/me_AbCdEf1.jpg", "", 0),
        ]
        (next_id,) = broker.execute("SELECT nextval('ads_id_seq')").fetchone() or ()
        assert next_id == 8
        upload = "00000000-0000-7000-8000-000000000001"
        broker.execute(
            "INSERT INTO uploads (id, state, owner_kind, owner_id, user_id, issued_by, key,"
            ' content_type, size, transport, alt_text, "order", created_at, expires_at)'
            " VALUES (%s, 'confirmed', 'ad', 7, 2, 2, 'ads/ad_7/new.jpg', 'image/jpeg', 1, 'post',"
            " '', 3, now(), now())",
            [upload],
        )
        broker.execute("UPDATE images SET upload_id = %s WHERE key = 'ads/ad_7/été.jpg'", [upload])
    shell(back, environment, tmp_path)
    with psycopg.connect(environment["DJANGO_DATABASE_URL"]) as django:
        last = django.execute("SELECT ad_id, image FROM ads_adimage ORDER BY id DESC").fetchone()
    assert last == (7, "ads/ad_7/été.jpg")
