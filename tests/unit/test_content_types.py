"""Which content types a private profile may declare for files that no worker inspects."""

import pytest

from broker.domain.content_types import is_content_type, may_run
from broker.domain.media_types import EXTENSIONS


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/x-server-parsed-html",
        "application/xhtml+xml",
        "application/hta",
        "image/svg+xml",
        "image/svg-xml",
        "image/svg",
        "text/xml",
        "application/xml",
        "application/xml-dtd",
        "text/xml-external-parsed-entity",
        "application/rss+xml",
        "application/mathml+xml",
        "text/mathml",
        "model/x3d+xml",
        "text/xsl",
        "application/xslt+xml",
        "text/javascript",
        "text/javascript1.5",
        "text/x-javascript",
        "text/jscript",
        "text/livescript",
        "text/vbscript",
        "text/ecmascript",
        "text/x-ecmascript",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/x-ecmascript",
        "multipart/x-mixed-replace",
        "multipart/related",
        "message/rfc822",
        "message/global",
        "application/x-mimearchive",
        "application/unknown",
        "unknown/unknown",
        "text/x-component",
    ],
)
def test_types_in_which_browsers_run_scripts_are_refused(content_type: str) -> None:
    assert is_content_type(content_type)
    assert may_run(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        *EXTENSIONS,
        "application/pdf",
        "application/zip",
        "application/json",
        "application/octet-stream",
        "application/msword",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/plain",
        "text/csv",
        "video/mp4",
    ],
)
def test_documents_may_be_declared(content_type: str) -> None:
    assert is_content_type(content_type)
    assert not may_run(content_type)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pdf",
        "application/",
        "/pdf",
        "application/pdf/a",
        "Application/PDF",
        "application/pdf ",
        "application/pdf\n",
        "text/plain;charset=utf-8",
        "image/*",
        "*/*",
        "application/ü",
        "text/" + "p" * 123,
    ],
)
def test_a_content_type_is_in_lower_case_without_parameters(text: str) -> None:
    assert not is_content_type(text)


def test_a_content_type_has_at_most_127_characters() -> None:
    assert is_content_type("text/" + "p" * 122)
