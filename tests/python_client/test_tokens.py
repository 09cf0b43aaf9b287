"""Tokens and addresses as callers have them: read from files, or broken."""

import pytest
from broker_client import Broker, Unauthorized

from tests.python_client.live import Live


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_a_token_may_end_with_the_line_that_it_was_read_from(live: Live, end: str) -> None:
    with Broker(live.url, live.token + end, retries=0) as client:
        client.profiles()


@pytest.mark.parametrize("token", ["", "secret\nsecret", "secreté"])
def test_a_token_that_no_header_can_have_is_refused_and_not_shown(
    waits: list[float], token: str
) -> None:
    with (
        Broker("http://127.0.0.1:1", token, wait=waits.append) as client,
        pytest.raises(Unauthorized) as refused,
    ):
        client.profiles()
    assert "secret" not in str(refused.value)
    assert waits == []


@pytest.mark.parametrize("address", ["ftp://broker.example", "http://broker.example\r"])
def test_an_address_that_is_none_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Broker(address, "token")
