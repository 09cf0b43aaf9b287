"""The parser of bucket notifications, on generated bodies and names."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.bucket_notifications import ObjectCreated, objects_created
from broker.domain.errors import InvalidBucketNotification
from tests.fuzz import repeatable
from tests.unit.test_bucket_notifications import envelope, eventbridge, record, seaweedfs

ANY_TEXT = st.text(st.characters(), max_size=30)
WORDS = st.sampled_from(
    [
        *("Records", "eventName", "s3", "bucket", "object", "key", "name", "Type", "Message"),
        *("Notification", "ObjectCreated:Put", "s3:ObjectCreated:", "source", "aws.s3"),
        *("detail-type", "Object Created", "detail", "event_type", "create", "message"),
        *("new_entry", "is_directory", "/buckets/", "/buckets/a/b", "Event", "s3:TestEvent", "%ff"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | WORDS
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | ANY_TEXT, inner, max_size=5)
    ),
    max_leaves=25,
)
REAL = [
    {"Records": [record(), record("s3:ObjectCreated:Put")]},
    {"Records": [record("ObjectRemoved:Delete")]},
    envelope({"Records": [record()]}),
    envelope(envelope({"Records": [record()]})),
    {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "media-bucket"},
    eventbridge(),
    envelope(eventbridge()),
    seaweedfs(),
    seaweedfs(is_directory=True),
]


def read(body: Any) -> None:
    """Parse a body; any error but InvalidEvent fails the test."""
    try:
        found = objects_created(body)
    except InvalidBucketNotification:
        return
    assert all(isinstance(one, ObjectCreated) for one in found)
    assert all(isinstance(one.key, str) and isinstance(one.bucket, str) for one in found)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every list or dict with each of its indices or keys."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for place, below in list(inner):
        yield value, place
        if isinstance(below, dict | list):
            yield from places(below)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a real notification with up to three values changed, removed or cut."""
    body = copy.deepcopy(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(body))
        if not found:
            break
        container, place = draw(st.sampled_from(found))
        value = container[place]
        change = draw(st.sampled_from(["other", "gone", "cut", "twice"]))
        if change == "gone":
            del container[place]
        elif change == "cut" and isinstance(value, str):
            container[place] = value[: draw(st.integers(0, len(value)))]
        elif change == "twice" and isinstance(value, list):
            value += copy.deepcopy(value)
        else:
            container[place] = draw(JSON)
    return body


@repeatable(200)
@given(body=JSON)
def test_any_json_is_parsed_or_refused_as_an_invalid_event(body: Any) -> None:
    read(body)


@repeatable(200)
@given(body=mutated())
def test_a_mutated_notification_is_parsed_or_refused_as_an_invalid_event(body: Any) -> None:
    read(body)


@repeatable(100)
@given(message=JSON.map(json.dumps) | ANY_TEXT | st.integers(1, 3000).map(lambda n: "[" * n))
def test_any_message_in_an_envelope_is_parsed_or_refused_as_an_invalid_event(message: str) -> None:
    read(envelope(message))


@repeatable(100)
@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_a_key_is_parsed_as_it_was_written(key: str) -> None:
    from urllib.parse import quote_plus

    created = [ObjectCreated(bucket="media-bucket", key=key)]
    assert objects_created({"Records": [record(key=quote_plus(key))]}) == created
    assert objects_created(seaweedfs(f"/buckets/media-bucket/{key}")) == created
