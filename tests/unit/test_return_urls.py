"""Plain forms may redirect only to plain URLs of listed origins."""

import pytest

from broker.domain.return_urls import RETURN_URL_MAX, may_return_to

ORIGINS = ("https://shop.example", "http://localhost:5000")


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example/ads/1/photos/a1-B2_c3.~/sent/",
        "https://shop.example/caf%C3%A9/@me;v=1",
        "https://shop.example//two",
        "http://localhost:5000/sent",
    ],
)
def test_a_plain_url_of_a_listed_origin_is_accepted(url: str) -> None:
    assert may_return_to(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/sent/",
        "//shop.example/",
        "shop.example/",
        "ftp://shop.example/",
        "javascript:alert(1)//https://shop.example/",
        "http://shop.example/",
        "https://shop.example:443/",
        "https://shop.example:8443/",
        "https://SHOP.example/",
        "https://shop.example./",
        "https://shop.example.evil.example/",
        "https://evil.example/https://shop.example/",
        "https://shop.example@evil.example/",
        "https://user:pass@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example\\evil",
        "https:/shop.example/",
        "https:\\\\shop.example/",
        "https://shop.example/sent?next=1",
        "https://shop.example?",
        "https://shop.example/sent#there",
        "https://shop.example/#",
        "https://shop.example/a b",
        "https://shop.example/\r\nX: y",
        "https://shop.example/\n",
        "https://shop.example/%0d%0aX: y",
        "https://shop.example/%0D%0AX",
        "https://shop.example/%00",
        "https://shop.example/%zz",
        "https://shop.example/${filename}",
        "https://shop.example/é",
        " https://shop.example/",
        "https://shop.example/" + "x" * RETURN_URL_MAX,
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    assert not may_return_to(url, ORIGINS)


def test_without_listed_origins_every_url_is_refused() -> None:
    assert not may_return_to("https://shop.example/", ())
