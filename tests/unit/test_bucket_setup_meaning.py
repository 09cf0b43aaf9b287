"""Configurations are compared by meaning, and rules are merged by their ID or content."""

from typing import Any

import pytest

from broker.storage.bucket_setup.aspect import by_id
from broker.storage.bucket_setup.canonical import same

STATEMENT = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["a", "b"]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ["b", "a", "a"]),
        ({"Action": ["s3:GetObject"]}, {"Action": "s3:GetObject"}),
        (STATEMENT, {**STATEMENT, "Principal": "*", "Action": ["b", "a"]}),
        (STATEMENT, {**STATEMENT, "Principal": {"AWS": "*"}}),
        ({"Days": 1}, {"Days": 1, "ExpiredObjectDeleteMarker": False, "Tags": [], "Prefix": ""}),
        ([{"ID": "x"}, {"ID": "y"}], [{"ID": "y"}, {"ID": "x", "Note": None}]),
    ],
)
def test_report_15_a_reordered_or_shortened_document_means_the_same(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"EventBridgeConfiguration": {}}),
        ({"BlockPublicPolicy": True}, {"BlockPublicPolicy": False}),
        (STATEMENT, {**STATEMENT, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        (STATEMENT, {**STATEMENT, "Principal": {"AWS": ["*", "x"]}}),
        (["a"], ["a", "b"]),
    ],
)
def test_report_15_a_document_that_says_something_else_is_different(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_report_15_a_rule_counts_as_ours_if_the_server_chose_its_id() -> None:
    own = {"ID": "broker", "Prefix": "incoming/", "Days": 1}
    renamed = [{"ID": "1f3c", "Prefix": "incoming/", "Days": 1}, {"ID": "theirs", "Days": 9}]
    assert by_id(renamed, [own]) == renamed
    assert by_id([{"ID": "broker", "Days": 7}, renamed[1]], [own]) == [own, renamed[1]]
    assert by_id([renamed[1]], [own]) == [renamed[1], own]
