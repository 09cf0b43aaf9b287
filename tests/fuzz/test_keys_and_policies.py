"""Object keys, file names and signed forms, for any input."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from broker.api.request.ids import ID_MAX, IdConverter
from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS
from broker.domain.object_keys import (
    INCOMING,
    KEY_MAX,
    STEM_MAX,
    new_key,
    object_key,
    relative_key,
    stem,
    written_key,
)
from broker.domain.post_policy import PostForm, post_form
from broker.storage.sigv4 import Credentials, Signer, sign_post
from tests.fuzz import repeatable

# Any text that Python can hold (lone surrogates, NUL, bidirectional marks), and path traversal, far
# more often than in random text.
PIECES = st.sampled_from(["../", "..\\", "/", "\\", "%2e%2e%2f", ".", "ad_2", "${filename}", "\0"])
NAMES = st.lists(PIECES | st.text(st.characters(), max_size=80), max_size=6).map("".join)
PROFILES = Limits().profiles
KINDS = st.sampled_from(list(PROFILES))
TYPES = st.sampled_from(list(EXTENSIONS))
OWNERS = st.integers(1, 10**18 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
MOMENTS = st.integers(1_600_000_000, 4_000_000_000).map(
    lambda s: datetime.fromtimestamp(s + 0.5, UTC)
)


@repeatable(200)
@given(name=NAMES)
@example("ﬁ" * 255)
@example("İ.jpg")
def test_a_stem_is_short_and_plain_and_does_not_change_when_repeated(name: str) -> None:
    found = stem(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found)
    assert len(found) <= STEM_MAX
    assert stem(found) == found


@repeatable(200)
@given(kind=KINDS, owner=OWNERS, name=NAMES, content_type=TYPES, promoted=st.booleans())
def test_a_key_is_below_its_owner_for_any_file_name(
    kind: Any, owner: int, name: str, content_type: str, promoted: bool
) -> None:
    key = new_key(kind, str(owner), name, content_type)
    below = f"{kind.prefix}{owner}/"
    assert key.startswith(below)
    assert re.fullmatch(
        rf"[a-z0-9-]{{1,{STEM_MAX}}}_[A-Za-z0-9]{{8}}\.{EXTENSIONS[content_type]}",
        key.removeprefix(below),
    )
    assert len(object_key("media", key)) <= KEY_MAX
    assert PROFILES.of_key(key) == (kind, str(owner))
    # Without a digest the client writes below incoming/.
    upload = Upload(key=key, transport="post", checksum_sha256=None if promoted else "digest")
    written = written_key(Limits(), upload)
    assert written == f"{INCOMING if promoted else 'media'}/{key}"
    assert relative_key("media", object_key("media", key)) == key
    assert new_key(kind, str(owner), name, content_type) != key


@repeatable(150)
@given(key=st.lists(PIECES | st.sampled_from(["ads/ad_1", "avatars/user_"]) | TEXTS).map("".join))
def test_the_prefix_of_a_key_names_its_owner(key: str) -> None:
    found = PROFILES.of_key(key)
    if found is not None:
        kind, owner = found
        assert key.startswith(f"{kind.prefix}{owner}/")


def forms() -> st.SearchStrategy[PostForm]:
    """Return forms with any content, far beyond what the API accepts."""
    return st.builds(
        post_form,
        object_key=TEXTS,
        content_type=TEXTS,
        cache_control=TEXTS,
        min_size=st.integers(0, 2**40),
        max_size=st.integers(0, 2**40),
        checksum_sha256=st.none() | st.binary(min_size=32, max_size=32).map(base64_text),
        upload_id=st.uuids().map(str),
        acl=st.none() | st.sampled_from(["public-read", "private"]),
        return_url=st.none() | TEXTS,
        expires_at=MOMENTS,
    )


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@repeatable(150)
@given(
    form=forms(),
    bucket=TEXTS,
    region=st.sampled_from(["us-east-1", "eu-central-1"]),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=64),
    session_token=st.none() | TEXTS,
    now=MOMENTS,
)
def test_every_field_of_a_form_has_an_equality_condition_and_its_signature_is_valid(
    form: PostForm, bucket: str, region: str, secret: str, session_token: str | None, now: datetime
) -> None:
    credentials = Credentials(
        access_key_id="AKIDEXAMPLE", secret_access_key=secret, session_token=session_token
    )
    fields = sign_post(
        form,
        bucket=bucket,
        signer=Signer(region=region, credentials=credentials, now=now),
    )
    signature = fields.pop("x-amz-signature")
    text = fields.pop("policy")
    policy = json.loads(base64.b64decode(text, validate=True))
    assert set(policy) == {"expiration", "conditions"}
    expires = datetime.fromisoformat(policy["expiration"])
    assert timedelta() <= form.expires_at - expires < timedelta(seconds=1)

    ranges = [one for one in policy["conditions"] if isinstance(one, list)]
    assert ranges == [["content-length-range", form.min_size, form.max_size]]
    equalities = [one for one in policy["conditions"] if isinstance(one, dict)]
    assert len(ranges) + len(equalities) == len(policy["conditions"])
    assert all(len(one) == 1 for one in equalities)
    said: dict[str, str] = {name: value for one in equalities for name, value in one.items()}
    assert len(said) == len(equalities), "a field twice"
    assert said == {"bucket": bucket, **fields}

    key = f"AWS4{secret}".encode()
    scope = fields["x-amz-credential"].split("/")[1:]
    assert scope == [now.strftime("%Y%m%d"), region, "s3", "aws4_request"]
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == signature


@repeatable(200)
@given(
    text=st.integers(-5, 2**64).map(str) | st.text(st.characters(categories=["Nd"]), max_size=20)
)
@example(str(ID_MAX))
@example(str(ID_MAX + 1))
@example("007")
def test_a_path_accepts_only_canonical_ids_that_fit_the_database(text: str) -> None:
    taken = re.fullmatch(IdConverter.regex, text) is not None
    assert taken == (text.isascii() and text.isdigit() and text[0] != "0" and int(text) <= ID_MAX)
