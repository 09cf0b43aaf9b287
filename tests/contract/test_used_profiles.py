"""A profile with uploads is fixed: another prefix or visibility, or no profile, stops a start."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.db import used_profiles
from broker.db.models import Image, UsedProfile
from broker.db.session import Database
from broker.domain.errors import ProfilesChanged
from broker.domain.limits import Limits
from broker.domain.profiles import Owners, Profile, Profiles, Visibility
from broker.local.process import free_ports
from tests.http.client import SECRET
from tests.http.commands import Commands

PHOTO = Profile(
    name="photo",
    owner_kind="photo",
    prefix="photos/product_",
    content_types=("image/jpeg",),
    max_bytes=100,
)
SECTION = '[photo]\nprefix = "{prefix}{{owner}}/"\ncontent_types = ["image/jpeg"]\n'
FAULT = "photo: prefix is photos/, but its uploads have photos/product_"


def profiles(*declared: Profile) -> Profiles:
    return Limits(declared=declared).profiles


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.dispose()


def start(database: Database, *declared: Profile) -> None:
    """Do what each process does at its start."""
    with database.session() as session:
        used_profiles.check(session, profiles(*declared))


def upload(database: Database, profile: Profile, owner_id: int = 1) -> None:
    with database.session() as session:
        session.add(
            Image(
                owner_kind=profile.owner_kind,
                owner_id=owner_id,
                key=f"{profile.prefix}{owner_id}/a.jpg",
                content_type="image/jpeg",
                size=1,
                etag="e",
                alt_text="",
                order=0,
                created_at=datetime(2026, 11, 29, tzinfo=UTC),
            )
        )
        session.commit()


def recorded(database: Database) -> dict[str, tuple[str, str, str]]:
    with database.session() as session:
        found = session.scalars(select(UsedProfile)).all()
    return {one.name: (one.prefix, one.visibility, one.owners) for one in found}


OTHER = {
    FAULT: (replace(PHOTO, prefix="photos/"),),
    "photo: visibility is private, but its uploads have public": (
        replace(PHOTO, visibility=Visibility.PRIVATE),
    ),
    "photo: the profile is missing, but has uploads": (),
}


@pytest.mark.parametrize("fault", OTHER)
def test_a_changed_profile_with_uploads_stops_the_start(database: Database, fault: str) -> None:
    start(database, PHOTO)
    upload(database, PHOTO)
    before = recorded(database)
    with pytest.raises(ProfilesChanged) as refused:
        start(database, *OTHER[fault])
    assert refused.value.for_operators == (
        f"the profiles do not match their uploads, see docs/profiles.md: {fault}"
    )
    assert recorded(database) == before
    start(database, PHOTO)


@pytest.mark.parametrize("fault", OTHER)
def test_a_profile_without_uploads_may_be_changed_or_removed(
    database: Database, fault: str
) -> None:
    start(database, PHOTO)
    start(database, *OTHER[fault])
    built_in = {"ad_image": "ads/ad_", "avatar": "avatars/user_"}
    assert {name: row[0] for name, row in recorded(database).items()} == built_in | {
        profile.name: profile.prefix for profile in OTHER[fault]
    }


def test_the_visibility_of_ads_images_is_fixed_by_uploads_before_the_first_ticket_by_token(
    database: Database,
) -> None:
    start(database)
    ad_image = Limits().profiles.ad_image
    upload(database, ad_image)
    with pytest.raises(ProfilesChanged) as refused:
        start(database, replace(ad_image, visibility=Visibility.PRIVATE))
    assert "ad_image: visibility is private" in str(refused.value.for_operators)


def test_looking_for_faults_changes_nothing(database: Database) -> None:
    start(database)
    by_token = replace(Limits().profiles.ad_image, owners=Owners.TOKEN)
    before = recorded(database)
    with database.session() as session:
        assert used_profiles.faults(session, profiles(by_token, PHOTO)) == []
    assert recorded(database) == before


@pytest.fixture
def changed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database with an upload that the environment's profile does not fit."""
    database = Database(database_url)
    start(database, PHOTO)
    upload(database, PHOTO)
    database.dispose()
    file = tmp_path / "profiles.toml"
    file.write_text(SECTION.format(prefix="photos/"))
    monkeypatch.setenv("BROKER_PROFILES_FILE", str(file))
    return database_url


STATUSES = {
    "worker": 1,
    "worker --processes 2": 1,
    "background": 1,
    "reap --once": 1,
    "reap --every 60": 1,
    "consume-bucket-notifications --once": 1,
    "serve -- true": 1,
    "adopt": 2,
    "reconcile": 2,
    "reprocess": 2,
    "db verify": 2,
}


@pytest.mark.parametrize("command", STATUSES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_command_that_opens_the_database_ends_with_one_line(
    changed: str, commands: Commands, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    # What these change in the process would stay after the test.
    for module in ("worker", "background", "reprocess"):
        monkeypatch.setattr(f"broker.cli.{module}.protect_parent", lambda: None)
    monkeypatch.setattr("broker.telemetry.logs.configure", lambda: None)
    done = commands.run(command, changed)
    assert (done.status, done.out) == (STATUSES[command], "")
    assert done.err.splitlines() == [
        f"broker: the profiles do not match their uploads, see docs/profiles.md: {FAULT}"
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_db_check_names_each_profile_that_does_not_fit(changed: str, commands: Commands) -> None:
    done = commands.run("db check", changed)
    assert done.status == 1
    assert done.out.splitlines()[1:] == [FAULT]


SERVERS = {
    "gunicorn": ("--bind", "127.0.0.1:0", "--no-control-socket"),
    "gunicorn --preload": ("--bind", "127.0.0.1:0", "--no-control-socket"),
    "granian": ("--interface", "wsgi", "--port", "0"),
}


@pytest.mark.matrix(part="walks")
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_without_broker_serve_ends_with_the_line_and_no_traceback(
    changed: str, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    for name, value in {
        "DATABASE_URL": changed,
        "S3_BUCKET": "media-bucket",
        "JWT_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    command = [sys.executable, "-m", *server.split(), *SERVERS[server], "wsgi:app"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (4 if "gunicorn" in server else 1)
    assert FAULT in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.matrix(part="walks")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_broker_dev_ends_with_the_line(changed: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(changed.removeprefix("sqlite:///"), data / "broker.db")
    port, s3_port = map(str, free_ports(2))
    options = ["--port", port, "--s3-port", s3_port, "--data-dir", str(data)]
    command = [sys.executable, "-m", "broker", "dev", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"broker: the profiles do not match their uploads, see docs/profiles.md: {FAULT}"
    ]
