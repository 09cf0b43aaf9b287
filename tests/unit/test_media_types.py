"""tests/media_types.json: the broker's image types, which both clients also know."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.domain import media_types

DATA = json.loads((Path(__file__).parents[1] / "media_types.json").read_text())


def test_the_broker_accepts_the_shared_types_with_their_extensions() -> None:
    assert DATA["types"] == media_types.EXTENSIONS


@pytest.mark.parametrize("row", DATA["file_names"], ids=lambda row: row["name"])
def test_an_object_without_a_type_gets_the_type_of_its_extension(row: dict[str, Any]) -> None:
    expected = row.get("broker", row["type"])
    for unnamed in media_types.UNNAMED_TYPES:
        assert media_types.type_of(unnamed, f"ads/ad_1/{row['name']}") == expected


@pytest.mark.parametrize("row", DATA["media_types"], ids=lambda row: row["stored"])
def test_an_objects_stored_type_is_read_without_letter_case_and_aliases(
    row: dict[str, Any],
) -> None:
    assert media_types.type_of(row["stored"], "ads/ad_1/photo.bin") == row["type"]
