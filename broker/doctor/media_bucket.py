"""Check that the bucket with the published objects has nothing that must not be public.

Objects below `incoming/` and `private/` are left there if BROKER_S3_INCOMING_BUCKET was set later.
The broker no longer finds them, and anyone can read them if this bucket is public as a whole.
"""

from collections.abc import Iterator

from broker.doctor import bucket
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.object_keys import NOT_PUBLIC

CHECK = "media-bucket"


def check(examination: Examination) -> Iterator[Finding]:
    """List one key below each of these prefixes in the media bucket."""
    names, url = examination.probe.storage.buckets, examination.probe.bucket_urls.media
    if not names.are_two:
        yield skip(CHECK, f"{bucket.INCOMING_SETTING} is not set: one bucket holds everything")
        return
    left = []
    for segment in NOT_PUBLIC:
        answer = examination.listed(url, f"{segment}/")
        if not answer.succeeded:
            yield warn(
                CHECK,
                f"{segment}/ cannot be listed in {names.media}: {answer.summary}",
                setting=bucket.SETTING,
                fix="check the S3 server's log, and run the doctor again",
            )
            return
        if answer.element("Key") is not None:
            left.append(f"{segment}/")
    if left:
        yield fail(
            CHECK,
            f"{names.media} has objects below {' and '.join(left)}, where the broker does not"
            " look for them",
            setting=bucket.INCOMING_SETTING,
            fix=f"move them to {names.incoming} (docs/operations/media.md)",
        )
    else:
        yield ok(CHECK, f"{names.media} has nothing below {'/ and '.join(NOT_PUBLIC)}/")
