"""The credentials: are there any, how long do they live, does the bucket know them."""

from collections.abc import Iterator

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.errors import StorageDenied

CHECK = "credentials"
REFRESHED_SECONDS = 600  # boto3 renews temporary credentials when they have ten minutes left
UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidAccessKey"})
TOKEN = frozenset({"InvalidToken", "InvalidTokenId", "ExpiredToken", "TokenRefreshRequired"})
LAPSE = "what is signed with temporary credentials dies with them"


def check(examination: Examination) -> Iterator[Finding]:
    """Find them, and show them to the bucket."""
    chain = examination.probe.chain()
    if chain.method is None:
        yield fail(
            CHECK,
            "boto3 finds none in the environment, a profile or a role",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
        )
        return
    if chain.temporary:
        yield from _temporary(examination)
    found = f"found by boto3 ({chain.method}{', temporary' if chain.temporary else ''})"
    try:
        answer = examination.signed_answer
    except Unreachable:
        yield skip(CHECK, f"{found}; the bucket cannot be asked about them")
        return
    if answer.code in UNKNOWN_KEY:
        yield fail(
            CHECK,
            f"{found}, but the bucket does not know the access key: {answer.said}",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID to a key that the account of the bucket has",
        )
    elif answer.code == "SignatureDoesNotMatch":
        yield fail(
            CHECK,
            f"{found}, but the secret key is not the access key's: {answer.said}",
            setting="AWS_SECRET_ACCESS_KEY",
            fix="set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID",
        )
    elif answer.code in TOKEN:
        yield fail(
            CHECK,
            f"{found}, but they have lapsed or their token is another's: {answer.said}",
            setting="AWS_SESSION_TOKEN",
            fix="get fresh credentials; unset AWS_SESSION_TOKEN with long-lived keys",
        )
    elif answer.succeeded:
        yield ok(CHECK, f"{found}; the bucket accepts them")
    else:
        yield ok(CHECK, f"{found}; what the bucket says of them is below")


def _temporary(examination: Examination) -> Iterator[Finding]:
    settings, expires_at = examination.settings, examination.probe.chain().expires_at
    left = None
    if expires_at is not None:
        left = int((expires_at - examination.now()).total_seconds())
    life = "" if left is None else f", in {left} s"
    for setting, ttl in (
        ("BROKER_TICKET_TTL", settings.ticket_ttl),
        ("BROKER_PUT_TTL", settings.put_ttl),
    ):
        if ttl > REFRESHED_SECONDS:
            yield warn(
                CHECK,
                f"{LAPSE}{life}, and {setting} promises {ttl} s",
                setting=setting,
                fix=f"{setting}={REFRESHED_SECONDS}",
            )


def missing(error: StorageDenied, action: str, resource: str) -> str:
    """Give the fix for a permission that the credentials lack."""
    return f"allow {action} on arn:aws:s3:::{resource} to these credentials (docs/settings.md)"
