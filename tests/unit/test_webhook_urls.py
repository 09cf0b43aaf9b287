"""Which receivers may be reached by http."""

import pytest

from broker.config.webhooks import is_private


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "django",
        "shop.default.svc.cluster.local",
        "shop.corp.internal",
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "[::1]",
        "[fd00::1]",
        "web2",
    ],
)
def test_http_is_for_this_machine_and_private_networks(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        *("shop.example", "8.8.8.8", "[2606:4700::1]", "internal.shop.example", ""),
        *("134744072", "0x8080808"),  # 8.8.8.8
    ],
)
def test_http_is_refused_for_the_internet(host: str) -> None:
    assert not is_private(host)
