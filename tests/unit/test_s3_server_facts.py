"""The doctor's verdict: which row fits what a trial has seen of a server."""

from dataclasses import replace

import pytest
from urllib3 import HTTPHeaderDict

from broker.domain.s3_servers import OTHER, S3_SERVERS, Digests, S3Server
from broker.domain.s3_servers.facts import Facts, facts_of, fitting, recognise

ROWS = list(S3_SERVERS.values())


@pytest.mark.parametrize("row", ROWS, ids=list(S3_SERVERS))
def test_a_server_that_is_as_its_row_says_fits_it(row: S3Server) -> None:
    assert facts_of(row).unlike(row) == []


@pytest.mark.parametrize("name", ["ceph", "garage", "swift", "b2"])
def test_a_server_that_differs_from_all_others_is_known_by_what_it_does(name: str) -> None:
    fits = fitting(ROWS, facts_of(S3_SERVERS[name]))
    assert fits is S3_SERVERS[name]


def test_what_differs_from_the_row_is_told_in_words() -> None:
    seen = facts_of(S3_SERVERS["ceph"])
    assert seen.unlike(OTHER) == ["it ignores digests", "it ignores the condition of a copy"]
    assert fitting([OTHER], seen) is None


def test_what_was_not_found_out_speaks_against_no_row() -> None:
    assert Facts().unlike(OTHER) == Facts().words() == []
    seen = replace(facts_of(OTHER), digests=None, checks_copies=None)
    assert seen.unlike(S3_SERVERS["ceph"]) == []


def test_no_row_fits_a_server_that_is_like_none() -> None:
    seen = Facts(takes_forms=True, writes_once=True, digests=Digests.REFUSED, checks_copies=True)
    assert fitting(ROWS, seen) is None


@pytest.mark.parametrize(
    ("url", "headers", "name"),
    [
        ("https://s3.eu-west-1.amazonaws.com", {}, "aws"),
        ("https://a1b2.r2.cloudflarestorage.com", {"Server": "cloudflare"}, "r2"),
        ("https://s3.us-east-005.backblazeb2.com", {"Server": "nginx"}, "b2"),
        ("http://10.0.0.5:9000", {"Server": "MinIO"}, "minio"),
        ("http://10.0.0.5:7070", {"server": "VERSITYGW"}, "versitygw"),
        ("https://store.example", {"X-Trans-Id": "tx1"}, "swift"),
        ("https://store.example", {"Server": "nginx"}, None),
        ("https://notamazonaws.com", {}, None),
    ],
)
def test_a_server_that_names_itself_is_recognised(
    url: str, headers: dict[str, str], name: str | None
) -> None:
    row = recognise(ROWS, endpoint_url=url, headers=HTTPHeaderDict(headers))
    assert (row and row.name) == name
