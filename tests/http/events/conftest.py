"""An app with private profiles and bucket notifications, and a reader of its feed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.faults.invariants import check_invariants
from tests.http.background.test_bucket_notifications import BUCKET_SECRET
from tests.http.events.reader import Reader, stored
from tests.http.files.private_files import PROFILES
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key


@pytest.fixture
def app(make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path) -> Flask:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(
        profiles_file=tmp_path / "profiles.toml",
        bucket_notifications_secret=BUCKET_SECRET,
        require_checksum=False,
        **private_key(s3_bucket),
    )


@pytest.fixture
def reader(app: Flask) -> Iterator[Reader]:
    """Yield a reader; after the test, check that rows and events agree and name nobody."""
    yield Reader.of(app)
    assert check_invariants(app).violations == []
    stored(app)
