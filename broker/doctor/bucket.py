"""Check that each bucket exists and that the broker may list it."""

from collections.abc import Iterator

from broker.doctor.browser import Answer
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.domain.object_keys import INCOMING

CHECK = "bucket"
SETTING, INCOMING_SETTING = "BROKER_S3_BUCKET", "BROKER_S3_INCOMING_BUCKET"


def check(examination: Examination) -> Iterator[Finding]:
    """Check the answers to the broker's own signed ListObjectsV2."""
    buckets, urls = examination.probe.storage.buckets, examination.probe.bucket_urls
    yield _finding(examination.signed_answer, buckets.media, SETTING)
    if buckets.are_two:
        answer = examination.listed(urls.incoming, f"{INCOMING}/")
        yield _finding(answer, buckets.incoming, INCOMING_SETTING)


def _finding(answer: Answer, name: str, setting: str) -> Finding:
    if answer.succeeded and answer.element("Name") in (name, None):
        return ok(CHECK, f"{name} exists, and the broker may list it")
    if answer.code == "NoSuchBucket":
        return fail(
            CHECK,
            f"there is no bucket {name}",
            setting=setting,
            fix="broker bucket apply",
        )
    if answer.status == 403:
        return fail(
            CHECK,
            f"the credentials may not list {name}, or another account owns it: {answer.summary}",
            setting="AWS_ACCESS_KEY_ID",
            fix=f"allow s3:ListBucket on arn:aws:s3:::{name} to these credentials",
        )
    if answer.code is None:
        return fail(
            CHECK,
            f"the answer for {name} is {answer.summary}, which is not from S3",
            setting="BROKER_S3_ADDRESSING",
            fix="set BROKER_S3_ADDRESSING to path or virtual, as the server expects",
        )
    return fail(
        CHECK,
        f"the bucket cannot be used: {answer.summary}",
        setting=setting,
        fix="check the S3 server's log",
    )
