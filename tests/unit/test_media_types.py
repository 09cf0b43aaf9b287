"""tests/media_types.json: the broker's types, which both clients also know."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from broker.domain import media_types
from broker.domain.profiles import Profile
from broker.inspection.inspect import _CLEAN
from broker.services.tickets.issue import FileRequest, _with_canonical_type
from schemas.tickets import TYPE_PATTERN

DATA = json.loads((Path(__file__).parents[1] / "media_types.json").read_text())


def test_the_broker_accepts_the_shared_types_with_their_extensions() -> None:
    assert DATA["types"] == media_types.EXTENSIONS
    assert DATA["documents"] == media_types.DOCUMENT_EXTENSIONS


def test_a_key_has_the_extension_of_its_type_or_bin() -> None:
    for content_type, extension in {**DATA["types"], **DATA["documents"]}.items():
        assert media_types.extension_of(content_type) == extension
    assert media_types.extension_of("application/x-unknown") == "bin"


def test_a_type_is_published_as_it_is_or_converted_to_jpeg() -> None:
    for content_type in media_types.EXTENSIONS:
        published = media_types.published_type(content_type)
        assert published == (content_type if content_type in _CLEAN else "image/jpeg")


@pytest.mark.parametrize("row", DATA["file_names"], ids=lambda row: row["name"])
def test_an_object_without_a_type_gets_the_type_of_its_extension(row: dict[str, Any]) -> None:
    for unnamed in media_types.UNNAMED_TYPES:
        assert media_types.type_of(unnamed, f"ads/ad_1/{row['name']}") == row["type"]


@pytest.mark.parametrize("row", DATA["media_types"], ids=lambda row: row["stored"])
def test_an_objects_stored_type_is_read_without_letter_case_and_aliases(
    row: dict[str, Any],
) -> None:
    assert media_types.type_of(row["stored"], "ads/ad_1/photo.bin") == row["type"]


@pytest.mark.parametrize(
    "row", DATA["declared"], ids=lambda row: f"{row['declared']} {row['name']}"
)
def test_report_17_a_declared_type_gets_its_usual_name(row: dict[str, Any]) -> None:
    assert media_types.type_of(row["declared"], row["name"]) == row["type"]


@pytest.mark.parametrize(
    "row", DATA["declared"], ids=lambda row: f"{row['declared']} {row['name']}"
)
def test_report_17_the_documented_pattern_matches_what_is_accepted(row: dict[str, Any]) -> None:
    by_name = media_types.type_of(row["declared"], "photo.jpg")
    assert bool(re.fullmatch(TYPE_PATTERN, row["declared"])) == (by_name is not None)


@pytest.mark.parametrize("row", DATA["documents_named"], ids=lambda row: row["name"])
def test_a_document_without_a_type_gets_the_type_of_its_extension(row: dict[str, Any]) -> None:
    accepted = DATA["types"] | DATA["documents"]
    for unnamed in media_types.UNNAMED_TYPES:
        assert (
            media_types.type_of(unnamed, f"invoices/order_1/{row['name']}", accepted)
            == (row["type"])
        )


@pytest.mark.parametrize(
    "row", DATA["documents_declared"], ids=lambda row: f"{row['declared']} {row['name']}"
)
def test_a_profiles_types_are_accepted_under_their_usual_names(row: dict[str, Any]) -> None:
    accepted = DATA["types"] | DATA["documents"]
    assert media_types.type_of(row["declared"], row["name"], accepted) == row["type"]


def test_only_the_profiles_own_types_are_accepted() -> None:
    def found(content_type: str, name: str, *accepted: str) -> str | None:
        return media_types.type_of(content_type, name, accepted)

    assert media_types.type_of("application/pdf", "a.pdf") is None
    assert media_types.type_of("", "a.pdf") is None
    assert found("image/jpeg", "a.jpg", "application/pdf") is None
    assert found("", "a.jpg", "application/pdf") is None
    assert found("application/x-model", "a.stl", "application/x-model") == "application/x-model"
    assert found("text/rtf", "a.rtf", "text/rtf") == "text/rtf"


def test_a_ticket_has_the_usual_name_of_a_type_of_its_profile() -> None:
    pdf = Profile(
        name="invoice",
        owner_kind="invoice",
        prefix="i/",
        content_types=("application/pdf",),
        max_bytes=1,
    )
    for named in ("", "application/octet-stream", "application/x-pdf", "Application/PDF; a=b"):
        file = FileRequest(file_name="Rechnung.PDF", content_type=named)
        assert _with_canonical_type(pdf, file).content_type == "application/pdf"
    photo = FileRequest(file_name="a.jpg")
    assert _with_canonical_type(pdf, photo) == photo


def test_a_profile_for_any_bytes_stores_files_of_other_types_as_bytes() -> None:
    anything = ("application/pdf", "application/octet-stream")
    for named in (*media_types.UNNAMED_TYPES, "text/html", "image/jpeg", "model/stl"):
        assert media_types.type_of(named, "a.bin", anything) == "application/octet-stream"
    assert media_types.type_of("", "a.pdf", anything) == "application/pdf"
    assert media_types.type_of("application/pdf", "a", anything) == "application/pdf"
