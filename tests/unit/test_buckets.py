"""Which bucket holds a key, and what a second bucket changes in names, URLs and policies."""

from typing import Any

import pytest

from broker.config import Settings
from broker.storage.bucket_setup.iam import iam_policy
from broker.storage.buckets import ByKey, bucket_names, bucket_urls
from tests.servers.fixtures import SECRET
from tests.servers.private_key import with_private_profile
from tests.unit.test_iam_policy import allowed

NAMES = ByKey(media="photos", incoming="photos-in")


def settings(**values: Any) -> Settings:
    return Settings(database_url="sqlite://", s3_bucket="photos", jwt_secret=SECRET, **values)


@pytest.mark.parametrize(
    "key", ["incoming/ads/ad_1/a.jpg", "private/a.pdf", "incoming/", "private/"]
)
def test_what_must_not_be_public_is_in_the_second_bucket(key: str) -> None:
    assert NAMES.of(key) == "photos-in"


@pytest.mark.parametrize(
    "key", ["media/ads/ad_1/a.jpg", "media/incoming/a.jpg", "incomings/a.jpg", "a.jpg", ""]
)
def test_everything_else_is_in_the_first_bucket(key: str) -> None:
    assert NAMES.of(key) == "photos"


def test_without_the_setting_there_is_one_bucket() -> None:
    names = bucket_names(settings(s3_incoming_bucket=""))
    assert names == ByKey(media="photos", incoming="photos")
    assert (names.are_two, names.each()) == (False, ("photos",))


def test_each_bucket_has_its_url_in_each_style() -> None:
    for style, wanted in (
        ("path", ByKey(media="http://s3.test/photos", incoming="http://s3.test/photos-in")),
        ("virtual", ByKey(media="http://photos.s3.test/", incoming="http://photos-in.s3.test/")),
    ):
        two = settings(s3_incoming_bucket="photos-in", s3_addressing=style)
        assert bucket_urls(two, "http://s3.test") == wanted


def test_what_is_made_for_one_bucket_is_made_once() -> None:
    made: list[str] = []
    ByKey(media="photos", incoming="photos").map(made.append)
    assert made == ["photos"]


def test_the_same_bucket_twice_stops_the_start() -> None:
    with pytest.raises(ValueError, match="BROKER_S3_INCOMING_BUCKET: must be another bucket"):
        settings(s3_incoming_bucket="photos")


@pytest.mark.parametrize("name", ["x", "two words", "x" * 64])
def test_the_name_of_the_second_bucket_is_validated(name: str) -> None:
    with pytest.raises(ValueError, match="s3_incoming_bucket"):
        settings(s3_incoming_bucket=name)


def test_the_iam_policies_name_each_key_in_its_bucket() -> None:
    two = with_private_profile(settings(s3_incoming_bucket="photos-in"))
    media, second = "arn:aws:s3:::photos", "arn:aws:s3:::photos-in"
    places = {f"{media}/media/*", f"{second}/incoming/*", f"{second}/private/*"}
    for role in ("api", "worker", "inspect"):
        statements = iam_policy(two, role)["Statement"]
        assert set(allowed(statements)) == places | {media, second}
        denied = [one["Resource"] for one in statements if one["Effect"] == "Deny"]
        assert denied == [
            [f"{media}/media/*", f"{second}/private/*"],
            [f"{media}/*", f"{second}/*"],
        ]
    assert set(allowed(iam_policy(two, "read-private")["Statement"])) == {f"{second}/private/*"}
