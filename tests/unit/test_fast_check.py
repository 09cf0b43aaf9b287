"""For any data, the fast path loads the same values as marshmallow, or leaves the data to it."""

from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ads, bucket_notifications, fields, images, parts, tickets, uploads, uppy, users
from schemas.fast_check import NOT_LOADED, FastSchema, fast_loader
from tests.fuzz import repeatable

MODULES = (ads, bucket_notifications, fields, images, parts, tickets, uploads, uppy, users)
DIGEST = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
FILE = {
    "file_name": "main.jpg",
    "content_type": "image/jpeg",
    "size": 5,
    "checksum_sha256": DIGEST,
    "alt_text": "front view",
    "order": 1,
    "transport": "post",
}


def fast_schemas() -> list[type[FastSchema]]:
    found = {
        one
        for module in MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, fields.StrictSchema)
    }
    return sorted(
        (one for one in found if fast_loader(one()) is not None and one().load_fields),
        key=lambda one: one.__name__,
    )


# Valid and invalid values for the fields.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["image/jpeg", "post", "multipart", "é", "a\nb", "x" * 300, DIGEST, ""]),
)


def bodies(schema: type[FastSchema]) -> st.SearchStrategy[Any]:
    """Return objects whose names are mostly fields of the schema."""
    known = list(schema().load_fields)
    inner = st.dictionaries(st.sampled_from([*FILE, "part_number", "other"]), SCALARS)
    values = st.one_of(SCALARS, st.lists(st.one_of(st.just(FILE), inner, SCALARS), max_size=3))
    return st.one_of(
        values, st.dictionaries(st.one_of(st.sampled_from(known), st.text(max_size=3)), values)
    )


def slow(schema: ma.Schema, data: Any) -> Any:
    """Load with marshmallow; return NOT_LOADED if it refuses the data."""
    try:
        return ma.Schema.load(schema, data)
    except ma.ValidationError:
        return NOT_LOADED


@pytest.mark.parametrize("schema", fast_schemas(), ids=lambda one: one.__name__)
def test_the_fast_path_loads_what_the_schema_loads(schema: type[FastSchema]) -> None:
    made = schema()
    load = fast_loader(made)
    assert load is not None

    @repeatable(100)
    @given(bodies(schema))
    def agrees(data: Any) -> None:
        seen = load(data)
        if seen is not NOT_LOADED:
            loaded = slow(made, data)
            assert seen == loaded
            assert {name: type(value) for name, value in seen.items()} == {
                name: type(value) for name, value in loaded.items()
            }

    agrees()


def test_an_ordinary_file_takes_the_fast_path_and_gets_its_defaults() -> None:
    load = fast_loader(tickets.ImageFile())
    assert load is not None
    assert load(FILE) == FILE
    bare = {"file_name": "a.png", "content_type": "image/png", "size": 1}
    assert load(bare) == {**bare, "alt_text": "", "order": 0}


@pytest.mark.parametrize("content_type", ["application/pdf", "Text/CSV; charset=utf-8", ""])
def test_a_document_of_any_type_takes_the_fast_path(content_type: str) -> None:
    """The service compares the type with those of the profile."""
    file = {**FILE, "content_type": content_type}
    assert tickets.OwnerFile().load_fast(file) == file
    assert tickets.OwnerFiles().load({"files": [file]}) == {"files": [file]}


def test_the_files_of_a_batch_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_loads: list[str] = []
    plain = ma.Schema.load

    def load(schema: ma.Schema, *args: Any, **kwargs: Any) -> Any:
        slow_loads.append(type(schema).__name__)
        return plain(schema, *args, **kwargs)

    monkeypatch.setattr(ma.Schema, "load", load)
    assert tickets.ImageFiles().load({"files": [FILE, FILE]}) == {"files": [FILE, FILE]}
    assert slow_loads == ["ImageFiles"]


@pytest.mark.parametrize(
    "wrong",
    [
        {**FILE, "size": True},
        {**FILE, "size": 5.0},
        {**FILE, "size": 0},
        {**FILE, "alt_text": "a\nb"},
        {**FILE, "file_name": "a\x7fb"},
        {**FILE, "file_name": "x" * 256},
        {**FILE, "transport": "ftp"},
        {**FILE, "other": 1},
        {**FILE, "order": None},
        {name: value for name, value in FILE.items() if name != "file_name"},
        [FILE],
    ],
)
def test_data_that_would_be_changed_or_refused_is_left_to_the_schema(wrong: Any) -> None:
    load = fast_loader(tickets.ImageFile())
    assert load is not None
    assert load(wrong) is NOT_LOADED


def test_a_schema_with_a_field_of_another_kind_has_no_fast_path() -> None:
    assert fast_loader(users.UserChanges()) is None
    assert fast_loader(ads.NewAd()) is None
