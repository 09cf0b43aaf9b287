"""tests/media_types.json: the types that the Python client knows."""

import json
from pathlib import Path
from typing import Any

import pytest
from broker_client import CONTENT_TYPES, content_type_of

DATA = json.loads((Path(__file__).parents[1] / "media_types.json").read_text())


def test_the_python_client_knows_the_shared_types_and_no_others() -> None:
    shared = DATA["types"] | DATA["documents"]
    assert set(CONTENT_TYPES.values()) == set(shared)
    assert {extension: type_ for type_, extension in shared.items()}.items() <= (
        CONTENT_TYPES.items()
    )


@pytest.mark.parametrize(
    "row", DATA["file_names"] + DATA["documents_named"], ids=lambda row: row["name"]
)
def test_a_file_names_extension_decides_its_type(row: dict[str, Any]) -> None:
    assert content_type_of(row["name"]) == row["type"]


@pytest.mark.parametrize(
    "row", DATA["declared"], ids=lambda row: f"{row['declared']} {row['name']}"
)
def test_report_17_the_python_client_declares_the_usual_name_of_a_type(
    row: dict[str, Any],
) -> None:
    found = content_type_of(row["name"], row["declared"])
    assert (found if found in DATA["types"] else None) == row["type"]


@pytest.mark.parametrize(
    "row", DATA["documents_declared"], ids=lambda row: f"{row['declared']} {row['name']}"
)
def test_the_python_client_declares_the_usual_name_of_a_documents_type(
    row: dict[str, Any],
) -> None:
    found = content_type_of(row["name"], row["declared"])
    assert (found if found in DATA["types"] | DATA["documents"] else None) == row["type"]


def test_every_extension_that_the_python_client_knows_is_in_the_shared_data() -> None:
    rows = DATA["file_names"] + DATA["documents_named"]
    assert set(CONTENT_TYPES) <= {row["name"].partition(".")[2] for row in rows}
