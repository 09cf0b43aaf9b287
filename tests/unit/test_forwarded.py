"""X-Forwarded-For is read from the right, up to the first address that is not trusted."""

import pytest

from broker.api.middleware.trusted_proxies import TrustedProxies

PEER = "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        ("", PEER),
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.1:4711", "203.0.113.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("unknown", PEER),
        ("203.0.113.1, unknown", PEER),
        ("203.0.113.1,", PEER),
        ("203.0.113.1, 10.0.0.1, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.1", "10.0.0.1"),
        (", ".join(["203.0.113.1", *["10.0.0.1"] * 100]), "10.0.0.1"),
        ("127.0.0.1\t", "127.0.0.1"),
        ("999.1.1.1", PEER),
        ("0x7f.1, 203.0.113.1", "203.0.113.1"),
    ],
)
def test_the_address_from_a_trusted_proxy_is_used(forwarded: str, found: str) -> None:
    proxies = TrustedProxies(lambda *_: [], ("127.0.0.1/32", "10.0.0.0/8"))
    assert proxies.client(PEER, forwarded) == found
    assert proxies.client("192.0.2.9", forwarded) == "192.0.2.9"


def test_the_peer_of_a_unix_socket_is_trusted_if_configured() -> None:
    assert TrustedProxies(lambda *_: [], ("unix",)).client("", "203.0.113.1") == "203.0.113.1"
    assert TrustedProxies(lambda *_: [], ()).client("", "203.0.113.1") == ""
