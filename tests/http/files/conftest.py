"""The app of these tests has private profiles, and a key that reads their files only."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from broker.config import Settings
from broker.domain.limits import Limits
from tests.http.files.private_files import PROFILES
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key


@pytest.fixture
def app(
    make_app: Callable[..., Flask], s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> Flask:
    undeclared = Settings.limits.fget

    def limits(self: Settings) -> Limits:
        return replace(undeclared(self), declared=PROFILES)

    monkeypatch.setattr(Settings, "limits", property(limits))
    return make_app(inspection="required", **private_key(s3_bucket))
