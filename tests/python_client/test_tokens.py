"""Tokens and addresses: read from a file, or not valid."""

import pytest
from broker_client import Broker, Unauthorized

from tests.python_client.live import Live


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_a_token_may_end_with_a_line_break_or_space(live: Live, end: str) -> None:
    with Broker(live.url, live.token + end, retries=0) as client:
        client.profiles()


@pytest.mark.parametrize("token", ["", "secret\nsecret", "secreté"])
def test_a_token_that_cannot_be_sent_in_a_header_is_refused_and_not_shown(
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
def test_an_address_that_is_not_valid_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match="is not a valid address"):
        Broker(address, "token")
