"""File names: how they are cleaned for storage, and how a download gets its name."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from broker.domain.content_disposition import attachment
from broker.domain.decoration import NAME_MAX, clean_name

NAMES = st.text(st.characters(), max_size=400)
SPECIAL = st.text("\"\\%;=*'/\r\n\t\x00 .\u202eaä\u200f\U0001f600\ud800", max_size=300)
# RFC 6266 and RFC 8187, restricted to what `attachment` sends.
HEADER = re.compile(
    r'attachment; filename="([ !#$&-)+-.0-9;=@-\[\]-~]+)"; '
    r"filename\*=UTF-8''((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)"
)


def saved_as(header: str) -> tuple[str, str]:
    """Return the ASCII fallback and the name, read by the grammar of the RFCs."""
    found = HEADER.fullmatch(header)
    assert found is not None, header
    return found[1], unquote(found[2], errors="strict")


@given(NAMES | SPECIAL)
@example("..")
@example("a/..")
@example("x" + " " * 254 + "..")
def test_a_cleaned_name_is_one_harmless_line_of_at_most_255_characters(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned) <= NAME_MAX
    assert not set(cleaned) & set("/\\\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u200e\u200f")
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in cleaned)
    assert cleaned == cleaned.strip()
    assert cleaned not in (".", "..")
    assert clean_name(cleaned) == cleaned


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Rechnung Nr. 7.pdf", "Rechnung Nr. 7.pdf"),
        ("請求書.pdf", "請求書.pdf"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\ada\\invoice.pdf", "invoice.pdf"),
        ("../../invoice.pdf", "invoice.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("in\r\nvoice\x00.pdf", "invoice.pdf"),
        ("  invoice.pdf  ", "invoice.pdf"),
        ("folder/", ""),
        ("..", ""),
        ("a" * 300 + ".pdf", "a" * 251 + ".pdf"),
    ],
)
def test_a_name_is_cleaned_and_never_refused(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@given(NAMES | SPECIAL)
@example("a\u20acb" * 200)
def test_every_name_becomes_a_header_of_printable_ascii_that_parsers_read(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 1200
    fallback, full = saved_as(header)
    assert fallback.strip()
    assert parse_options_header(header) == ("attachment", {"filename": full})
    expected = clean_name(name)
    assert expected.endswith(full) if expected else full == "file"
    if len(expected.encode()) <= 255:
        assert full == (expected or "file")


@pytest.mark.parametrize(
    ("name", "fallback", "full"),
    [
        ("invoice.pdf", "invoice.pdf", "invoice.pdf"),
        ("Überweisung für Zoë.pdf", "Uberweisung fur Zoe.pdf", "Überweisung für Zoë.pdf"),
        ("請求書.pdf", "___.pdf", "請求書.pdf"),
        ('a"b\\c;d%41.pdf', "c;d_41.pdf", "c;d%41.pdf"),
        ('say "hi"; filename=x.exe', "say _hi_; filename=x.exe", 'say "hi"; filename=x.exe'),
        # Compatibility forms of / and " are special again after they are decomposed.
        ("a\uff0fb\uff02.pdf", "a_b_.pdf", "a\uff0fb\uff02.pdf"),
        ("", "file", "file"),
        ("\u0301", "file", "\u0301"),
    ],
)
def test_old_clients_get_an_ascii_name_and_others_the_name_itself(
    name: str, fallback: str, full: str
) -> None:
    assert saved_as(attachment(name)) == (fallback, full)


def test_a_long_name_of_any_script_keeps_its_extension_and_fits_a_file_system() -> None:
    _, full = saved_as(attachment("\U0001f600" * 255 + ".pdf"))
    assert full.endswith("\U0001f600.pdf")
    assert 250 < len(full.encode()) <= 255
