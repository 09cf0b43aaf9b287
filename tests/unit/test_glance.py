"""The fast check gives the same result as marshmallow, or says that it is not sure."""

from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ads, fields, images, parts, tickets, uploads, uppy, users
from schemas import bucket_notifications as events
from schemas.fast_check import UNSURE, GlancingSchema, glance_of

MODULES = (ads, events, fields, images, parts, tickets, uploads, uppy, users)
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


def schemas_that_glance() -> list[type[GlancingSchema]]:
    found = {
        one
        for module in MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, fields.StrictSchema)
    }
    return sorted(
        (one for one in found if glance_of(one()) is not None and one().load_fields),
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


def bodies(schema: type[GlancingSchema]) -> st.SearchStrategy[Any]:
    """Return objects that have mostly field names of the schema."""
    known = list(schema().load_fields)
    inner = st.dictionaries(st.sampled_from([*FILE, "part_number", "other"]), SCALARS)
    values = st.one_of(SCALARS, st.lists(st.one_of(st.just(FILE), inner, SCALARS), max_size=3))
    return st.one_of(
        values, st.dictionaries(st.one_of(st.sampled_from(known), st.text(max_size=3)), values)
    )


def slow(schema: ma.Schema, data: Any) -> Any:
    """Load with marshmallow; return UNSURE if it refuses."""
    try:
        return ma.Schema.load(schema, data)
    except ma.ValidationError:
        return UNSURE


@pytest.mark.parametrize("schema", schemas_that_glance(), ids=lambda one: one.__name__)
def test_the_fast_check_loads_the_same_as_the_schema(schema: type[GlancingSchema]) -> None:
    made = schema()
    glance = glance_of(made)
    assert glance is not None

    @given(bodies(schema))
    def agrees(data: Any) -> None:
        seen = glance(data)
        if seen is not UNSURE:
            loaded = slow(made, data)
            assert seen == loaded
            assert [type(value) for value in seen.values()] == [
                type(value) for value in loaded.values()
            ]

    agrees()


def test_an_ordinary_batch_passes_the_fast_check_and_gets_its_defaults() -> None:
    glance = glance_of(tickets.ImageFiles())
    assert glance is not None
    assert glance({"files": [FILE, FILE]}) == {"files": [FILE, FILE]}
    bare = {"file_name": "a.png", "content_type": "image/png", "size": 1}
    assert glance({"files": [bare]}) == {"files": [{**bare, "alt_text": "", "order": 0}]}


@pytest.mark.parametrize(
    "wrong",
    [
        {**FILE, "size": True},
        {**FILE, "size": 5.0},
        {**FILE, "size": 0},
        {**FILE, "file_name": ""},
        {**FILE, "file_name": "a\x7fb"},
        {**FILE, "file_name": "x" * 256},
        {**FILE, "transport": "ftp"},
        {**FILE, "other": 1},
        {**FILE, "order": None},
        {name: value for name, value in FILE.items() if name != "content_type"},
        [FILE],
    ],
)
def test_the_fast_check_leaves_unusual_values_to_the_schema(wrong: Any) -> None:
    glance = glance_of(tickets.ImageFile())
    assert glance is not None
    assert glance(wrong) is UNSURE


def test_a_schema_with_another_kind_of_field_has_no_fast_check() -> None:
    assert glance_of(users.UserChanges()) is None
    assert glance_of(ads.NewAd()) is None
