"""Check that the bucket exists and that the broker may list it."""

from collections.abc import Iterator

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok

CHECK = "bucket"


def check(examination: Examination) -> Iterator[Finding]:
    """Check the answer to the broker's own signed ListObjectsV2."""
    answer, name = examination.signed_answer, examination.settings.s3_bucket
    if answer.succeeded and answer.element("Name") in (name, None):
        yield ok(CHECK, f"{name} exists, and the broker may list it")
    elif answer.code == "NoSuchBucket":
        yield fail(
            CHECK,
            f"there is no bucket {name}",
            setting="BROKER_S3_BUCKET",
            fix="broker bucket apply",
        )
    elif answer.status == 403:
        yield fail(
            CHECK,
            f"the credentials may not list {name}, or another account owns it: {answer.summary}",
            setting="AWS_ACCESS_KEY_ID",
            fix=f"allow s3:ListBucket on arn:aws:s3:::{name} to these credentials",
        )
    elif answer.code is None:
        yield fail(
            CHECK,
            f"the answer for {name} is {answer.summary}, which is not from S3",
            setting="BROKER_S3_ADDRESSING",
            fix="set BROKER_S3_ADDRESSING to path or virtual, as the server expects",
        )
    else:
        yield fail(
            CHECK,
            f"the bucket cannot be used: {answer.summary}",
            setting="BROKER_S3_BUCKET",
            fix="check the S3 server's log",
        )
