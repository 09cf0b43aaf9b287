"""Secrets are removed from a text; the rest stays."""

import pytest

from broker.telemetry.redaction import redact
from tests.canaries.checker import leaks
from tests.http.client import token

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"/api/{token(1)}/x", "/api/…/x"),
        (f"Bearer {HEX}, and more", "Bearer …, and more"),
        (
            f"http://s3/b/k?X-Amz-Signature={HEX}&X-Amz-Expires=9",
            "http://s3/b/k?X-Amz-Signature=…&X-Amz-Expires=9",
        ),
        (f'{{"x-amz-signature": "{HEX}"}}', '{"x-amz-signature": "…"}'),
        ("x-amz-security-token=FwoGZXIvYXdzEBYaDKOe;", "x-amz-security-token=…;"),
        ("policy=eyJleHBpcmF0aW9uIjogIjIwMjYifQ== end", "policy=… end"),
        (f"//api/uppy/{HEX[:32]}.{'b' * 43}/s3/params", "//api/uppy/…/s3/params"),
        (f"/api/uppy//{HEX[:32]}.{'b' * 43}/s3/params", "/api/uppy//…/s3/params"),
        (f"/api/uppy/ {HEX[:32]}.{'b-' * 21}b/s3/params", "/api/uppy/ …/s3/params"),
        (f"/api/uppy/'{HEX[:32]}.{'b' * 43}'", "/api/uppy/'…'"),
    ],
)
def test_a_secret_is_replaced_and_the_text_around_it_stays(text: str, redacted: str) -> None:
    assert leaks(text)
    assert redact(text) == redacted
    assert not leaks(redact(text))


@pytest.mark.parametrize(
    "text",
    [
        "/api/ads/1/upload_image/",
        "ads/ad_1/main_Zt41bQ9c.jpg",
        "SignatureDoesNotMatch: the request signature we calculated does not match",
        "/docs/uppy/",
    ],
)
def test_a_text_without_secrets_does_not_change(text: str) -> None:
    assert redact(text) == text
