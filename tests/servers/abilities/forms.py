"""What servers do with the forms of tickets (POST policies)."""

import httpx

from tests.servers.abilities.trial import (
    DATA,
    OTHER,
    SECONDS,
    Ability,
    Trial,
    digest,
    each,
    said,
    said_why,
    send,
)


def changed(**fields: str) -> Ability:
    """Return the ability to answer a form with changed or further fields."""
    return lambda trial: said(send(trial.form(trial.key()), **fields))


def with_body(data: bytes) -> Ability:
    return lambda trial: said(send(trial.form(trial.key()), data))


def cache_control(trial: Trial) -> str:
    key = trial.key()
    send(trial.form(key))
    found = trial.admin.head_object(Bucket=trial.bucket.name, Key=key).get("CacheControl")
    return "stored" if found == "public" else "**lost**"


def another_key(trial: Trial) -> str:
    return said(send(trial.form(trial.key()), key=trial.key()))


def changed_conditions(trial: Trial) -> str:
    names = ("Content-Type", "Cache-Control", "x-amz-meta-upload-id")
    return each(*(said(send(trial.form(trial.key()), **{name: "text/html"})) for name in names))


def bytes_and_digest(trial: Trial) -> str:
    other = {"x-amz-checksum-sha256": digest(OTHER)}
    return said(send(trial.form(trial.key()), OTHER, **other))


def expired(trial: Trial) -> str:
    return said_why(send(trial.form(trial.key(), -2 * SECONDS)))


def further_disposition(trial: Trial) -> str:
    key = trial.key()
    answer = said(send(trial.form(key), **{"Content-Disposition": "attachment"}))
    stored = trial.is_stored(key) and trial.storage.head(key).content_disposition
    return f"{answer}, **stored**" if stored else answer


def issued_redirect(trial: Trial) -> str:
    url = "https://shop.example/photos"
    answer = send(trial.form(trial.key(), return_url=url))
    location = answer.headers.get("location", "")
    added = sorted(one.partition("=")[0] for one in location.partition("?")[2].split("&"))
    return f"{answer.status_code} with {', '.join(added)}" if location else said(answer)


def replayed(trial: Trial) -> str:
    form = trial.form(trial.key())
    send(form)
    return said(send(form))


def copy_source(trial: Trial) -> str:
    """Name another object as a source in a header of the request, which nothing signs."""
    source, key = trial.key(), trial.key()
    trial.store(source, OTHER)
    form, header = trial.form(key), {"x-amz-copy-source": f"/{trial.bucket.name}/{source}"}

    answer = httpx.post(
        form.url, data=form.fields, files={"file": ("x", DATA)}, headers=header, verify=False
    )
    copied = trial.is_stored(key) and trial.bytes_of(key) == OTHER
    return f"{said(answer)}, **copies**" if copied else said(answer)


FORMS: dict[str, Ability] = {
    "as issued": with_body(DATA),
    "its Cache-Control": cache_control,
    "another key": another_key,
    "another type, cache control or upload id": changed_conditions,
    "a longer body": with_body(DATA + b"x"),
    "a shorter body": with_body(DATA[:-1]),
    "an empty body": with_body(b""),
    "other bytes of the same length": with_body(OTHER),
    "other bytes with their digest": bytes_and_digest,
    "another signature": changed(**{"x-amz-signature": "0" * 64}),
    "expired": expired,
    "a further `x-amz-meta-*` field": changed(**{"x-amz-meta-foo": "x"}),
    "a further `acl` field": changed(acl="public-read"),
    "a further Content-Disposition field": further_disposition,
    "a further `success_action_redirect`": changed(
        success_action_redirect="https://other.example/"
    ),
    "`success_action_redirect` as issued": issued_redirect,
    "`x-amz-copy-source` as a header of the request": copy_source,
    "sent again": replayed,
}
