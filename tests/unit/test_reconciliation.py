"""The merge of objects and rows, and which keys and types can be adopted."""

import random
from datetime import UTC, datetime

import pytest

from broker.domain.lifetimes import longest_ticket_life
from broker.domain.limits import Limits
from broker.domain.media_types import type_of
from broker.domain.object_head import ListedObject
from broker.domain.object_keys import relative_key
from broker.domain.reconciliation import (
    ExpectedObject,
    ListingOutOfOrder,
    Tally,
    in_order,
    unmatched,
)
from broker.services.reconcile.external_sort import ExternalSort

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS = ["a", "a b", "a+b", "a/b", "a0", "ab", "aé", "a日", "a\U0001f600", "b"]


def listed(key: str, size: int = 1, etag: str = "e") -> ListedObject:
    return ListedObject(key=key, size=size, etag=etag, last_modified=NOW)


def merge(objects: list[ListedObject], rows: list[ExpectedObject]) -> list[str]:
    return list(unmatched(iter(objects), iter(rows), Tally()))


def row(key: str) -> ExpectedObject:
    return ExpectedObject(key=key, size=1, etag="e")


def test_equal_streams_have_no_difference() -> None:
    tally = Tally()
    keys = sorted(KEYS)
    assert not list(unmatched(iter(map(listed, keys)), iter(map(row, keys)), tally))
    assert (tally.objects, tally.images) == (len(KEYS), len(KEYS))


@pytest.mark.parametrize("seed", range(50))
def test_the_merge_equals_a_comparison_of_sets(seed: int) -> None:
    chance = random.Random(seed)
    objects = {key for key in KEYS if chance.random() < 0.6}
    rows = {key for key in KEYS if chance.random() < 0.6}
    other = {key for key in KEYS if chance.random() < 0.2}
    found = merge(
        [listed(key, size=2 if key in other else 1) for key in sorted(objects)],
        [row(key) for key in sorted(rows)],
    )
    assert found == sorted((objects ^ rows) | (objects & rows & other))


def test_another_etag_or_size_is_a_difference() -> None:
    assert merge([listed("a", etag="f"), listed("b", size=2), listed("c")], [*map(row, "abc")]) == [
        "a",
        "b",
    ]


def test_a_listing_out_of_byte_order_is_detected() -> None:
    assert [item.key for item in in_order(map(listed, ["a.jpg", "a/b"]))] == ["a.jpg", "a/b"]
    with pytest.raises(ListingOutOfOrder):
        list(in_order(map(listed, ["a/b", "a.jpg"])))


def test_the_external_sort_orders_by_utf8_bytes() -> None:
    shuffled = random.Random(1).sample(KEYS, len(KEYS))
    with ExternalSort(2) as sort:
        sort.add((key, number) for number, key in enumerate(shuffled))
        assert [key for key, _ in sort] == sorted(KEYS, key=str.encode)
        assert sorted(KEYS, key=str.encode) == sorted(KEYS)
        assert len(list(sort)) == len(KEYS)
        sort.clear()
        assert list(sort) == []


def test_the_external_sort_passes_on_errors_of_its_source() -> None:
    with ExternalSort(1) as sort, pytest.raises(ListingOutOfOrder):
        sort.add((item.key,) for item in in_order(map(listed, "ba")))


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("ads/ad_1/a.jpg", ("ad", "1")),
        ("ads/ad_10/2024/a b+é.jpg", ("ad", "10")),
        ("avatars/user_7/p.png", ("user", "7")),
        ("ads/ad_1/", None),
        ("ads/ad_1/folder/", None),
        ("ads/ad_01/a.jpg", None),
        ("ads/ad_0/a.jpg", None),
        ("ads/ad_-1/a.jpg", None),
        ("ads/ad_١/a.jpg", None),
        ("ads/ad_99999999999999999999/a.jpg", None),
        ("ads/ad_x/a.jpg", None),
        ("ads/ad_1", None),
        ("products/product_1/a.jpg", None),
    ],
)
def test_a_key_names_its_owner(key: str, owner: object) -> None:
    found = Limits().profiles.of_key(key)
    assert (found and (found[0].owner_kind, found[1])) == owner


def test_only_keys_below_the_location_have_a_relative_one() -> None:
    assert relative_key("media", "media/ads/ad_1/a.jpg") == "ads/ad_1/a.jpg"
    assert relative_key("media", "mediaads/ad_1/a.jpg") is None
    assert relative_key("media", "incoming/ads/ad_1/a.jpg") is None


@pytest.mark.parametrize(
    ("named", "key", "found"),
    [
        ("image/png", "a.jpg", "image/png"),
        ("Image/JPEG; q=1", "a", "image/jpeg"),
        ("image/jpg", "a", "image/jpeg"),
        ("binary/octet-stream", "a.JPEG", "image/jpeg"),
        ("", "a.webp", "image/webp"),
        ("", "a.txt", None),
        ("", "a", None),
        ("text/html", "a.jpg", None),
        ("image/svg+xml", "a.jpg", None),
    ],
)
def test_the_type_is_that_of_the_object_or_of_its_extension(
    named: str, key: str, found: str | None
) -> None:
    assert type_of(named, key) == found


def test_the_longest_lifetime_is_that_of_the_longest_transport_plus_grace() -> None:
    limits = Limits(ticket_ttl=300, put_ttl=3600, multipart_ttl=60, ticket_grace=900)
    assert longest_ticket_life(limits).total_seconds() == 4500
    limits = Limits(ticket_ttl=300, put_ttl=3600, multipart_ttl=72000, ticket_grace=900)
    assert longest_ticket_life(limits).total_seconds() == 72900
