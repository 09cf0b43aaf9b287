"""The app of these tests has private profiles, and a key that reads their files only.

On MinIO each key has the policy that `broker bucket iam` prints; the worker has an administrator's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.storage.bucket_setup.iam import Role
from tests.http.files.private_files import PROFILES
from tests.servers.fixtures import Bucket
from tests.servers.private_key import key_with_policy, private_key


@pytest.fixture
def role() -> Role:
    return "api"


@pytest.fixture
def app(make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path, role: Role) -> Flask:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    changes: dict[str, Any] = {
        "profiles_file": file,
        "inspection": "required",
        **private_key(s3_bucket),
    }
    with key_with_policy(s3_bucket, role, **changes):
        return make_app(**changes)
