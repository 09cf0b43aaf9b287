"""What servers do with presigned PUTs."""

from tests.servers.abilities.trial import (
    DATA,
    OTHER,
    SPENT,
    Ability,
    Trial,
    each,
    put,
    said,
    said_why,
)

COPY = "x-amz-copy-source"


def with_body(data: bytes) -> Ability:
    return lambda trial: said(put(trial.put(trial.key()), data))


def with_headers(**headers: str) -> Ability:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda trial: said(put(trial.put(trial.key()), headers=named))


def second_time(trial: Trial) -> str:
    signed = trial.put(trial.key(), sha256=False)
    put(signed)
    return each(said(put(signed)), said(put(signed, OTHER)))


def left_out(trial: Trial) -> str:
    names = ("Cache-Control", "x-amz-meta-upload-id", "x-amz-checksum-sha256", "If-None-Match")
    return each(*(said(put(trial.put(trial.key()), headers={name: ""})) for name in names))


def further_disposition(trial: Trial) -> str:
    key = trial.key()
    answer = said(put(trial.put(key), headers={"Content-Disposition": "attachment"}))
    stored = trial.is_stored(key) and trial.storage.head(key).content_disposition
    return f"{answer}, **stored**" if stored else answer


def copy_source(trial: Trial) -> str:
    source, key = trial.key("incoming/ads/ad_1"), trial.key("incoming/ads/ad_2")
    trial.store(source, OTHER)
    answer = put(trial.put(key, sha256=False), headers={COPY: f"/{trial.bucket.name}/{source}"})
    copied = trial.is_stored(key) and trial.bytes_of(key) == OTHER
    return f"{said(answer)}, **copies**" if copied else said(answer)


def expired(trial: Trial) -> str:
    return said_why(put(trial.put(trial.key(), SPENT)))


PUTS: dict[str, Ability] = {
    "as issued": with_body(DATA),
    "a second time": second_time,
    "a longer body": with_body(DATA + b"x"),
    "a shorter body": with_body(DATA[:-1]),
    "other bytes of the same length": with_body(OTHER),
    "a signed header left out": left_out,
    "another Content-Type": with_headers(Content_Type="text/html"),
    "a further `x-amz-meta-*` header": with_headers(x_amz_meta_foo="x"),
    "a further `x-amz-acl` header": with_headers(x_amz_acl="public-read"),
    "a further `x-amz-tagging` header": with_headers(x_amz_tagging="a=b"),
    "a further Content-Disposition header": further_disposition,
    "a further `x-amz-copy-source` header, signed by the root user": copy_source,
    "expired": expired,
}
