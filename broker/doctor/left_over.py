"""Find what was left in the bucket of published objects when a second bucket was introduced.

Objects below `incoming/` and `private/` stay there if BROKER_S3_INCOMING_BUCKET is set later. The
broker no longer finds them, and anyone may read them if that bucket is public as a whole.
"""

from broker.doctor import bucket, refusal
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail
from broker.domain.object_keys import NOT_PUBLIC


def left_over(check: str, examination: Examination) -> Finding | None:
    """Return a failure if the media bucket has an object below one of these prefixes."""
    names, url = examination.probe.storage.buckets, examination.probe.bucket_urls.media
    if not names.are_two:
        return None
    found = []
    for prefix in (f"{segment}/" for segment in NOT_PUBLIC):
        answer = examination.listed(url, prefix)
        if refusal.granted(answer) and answer.element("Key") is not None:
            found.append(prefix)
    if not found:
        return None
    return fail(
        check,
        f"{names.media} has objects below {' and '.join(found)}, where the broker does not look"
        " for them",
        setting=bucket.INCOMING_SETTING,
        fix=f"move them to {names.incoming} (docs/operations/media.md)",
    )
