"""The credentials: does boto3 find any, how long do they live, does the bucket know them."""

from collections.abc import Iterator

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.storage.probe import ChainFault

CONFIGURED, FOUND, ACCEPTED = "aws-config", "credentials", "credentials-known"
REFRESHED_SECONDS = 600  # boto3 renews temporary credentials when they have ten minutes left
UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidAccessKey"})
TOKEN = frozenset({"InvalidToken", "InvalidTokenId", "ExpiredToken", "TokenRefreshRequired"})


def configured(examination: Examination) -> Iterator[Finding]:
    """Set boto3 up: profile and configuration file must be readable."""
    try:
        probe = examination.probe
    except ChainFault as fault:
        yield _unreadable(CONFIGURED, fault)
    else:
        yield ok(CONFIGURED, f"boto3 is set up for {probe.endpoint_url}")


def found(examination: Examination) -> Iterator[Finding]:
    """Look them up in boto3's chain, and compare their life with that of tickets."""
    try:
        chain = examination.probe.chain()
    except ChainFault as fault:
        yield _unreadable(FOUND, fault)
        return
    if chain.method is None:
        yield fail(
            FOUND,
            "boto3 finds none in the environment, a profile or a role",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
        )
        return
    if not chain.temporary:
        yield ok(FOUND, f"boto3 finds long-lived ones ({chain.method})")
        return
    settings, life = examination.settings, ""
    if chain.expires_at is not None:
        left = (chain.expires_at - examination.now()).total_seconds()
        life = f", in {left:.0f} s"
    yield ok(FOUND, f"boto3 finds temporary ones ({chain.method}); they lapse{life}")
    for setting, ttl in (
        ("BROKER_TICKET_TTL", settings.ticket_ttl),
        ("BROKER_PUT_TTL", settings.put_ttl),
    ):
        if ttl > REFRESHED_SECONDS:
            yield warn(
                FOUND,
                f"what temporary ones sign dies with them, and {setting} promises {ttl} s",
                setting=setting,
                fix=f"{setting}={REFRESHED_SECONDS}",
            )


def accepted(examination: Examination) -> Iterator[Finding]:
    """Show them to the bucket, and tell its refusals apart."""
    answer = examination.signed_answer
    if answer.code in UNKNOWN_KEY:
        yield fail(
            ACCEPTED,
            f"the bucket does not know the access key: {answer.said}",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID to a key that the account of the bucket has",
        )
    elif answer.code == "SignatureDoesNotMatch":
        yield fail(
            ACCEPTED,
            f"the secret key is not the access key's: {answer.said}",
            setting="AWS_SECRET_ACCESS_KEY",
            fix="set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID",
        )
    elif answer.code in TOKEN:
        yield fail(
            ACCEPTED,
            f"they have lapsed, or the session token is of other ones: {answer.said}",
            setting="AWS_SESSION_TOKEN",
            fix="get fresh credentials; unset AWS_SESSION_TOKEN with long-lived keys",
        )
    else:
        yield ok(ACCEPTED, "the bucket knows the access key and its signature")


def _unreadable(check: str, fault: ChainFault) -> Finding:
    return fail(
        check,
        f"boto3 says: {fault}",
        setting=fault.setting,
        fix=f"set {fault.setting}, or unset it with all that goes with it (docs/settings.md)",
    )
