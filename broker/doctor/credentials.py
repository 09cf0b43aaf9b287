"""Check the credentials: boto3 finds them, they are valid long enough, the bucket knows them."""

from collections.abc import Iterator

from broker.config.serving import PREFIX
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.storage.probe import ChainFault

CONFIGURED, FOUND, ACCEPTED = "aws-config", "credentials", "credentials-known"
REFRESHED_SECONDS = 600  # boto3 renews temporary credentials when they have ten minutes left
UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidAccessKey"})
TOKEN = frozenset({"InvalidToken", "InvalidTokenId", "ExpiredToken", "TokenRefreshRequired"})


def configured(examination: Examination) -> Iterator[Finding]:
    """Set up boto3, which reads its profile and its configuration file."""
    try:
        probe = examination.probe
    except ChainFault as fault:
        yield _unreadable(CONFIGURED, fault)
    else:
        yield ok(CONFIGURED, f"boto3 is configured for {probe.endpoint_url}")


def found(examination: Examination) -> Iterator[Finding]:
    """Look up the credentials and compare their lifetime with that of tickets."""
    try:
        chain = examination.probe.chain()
    except ChainFault as fault:
        yield _unreadable(FOUND, fault)
        return
    if chain.method is None:
        yield fail(
            FOUND,
            "boto3 finds no credentials in the environment, a profile or a role",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
        )
        return
    if not chain.temporary:
        yield ok(FOUND, f"boto3 finds long-lived credentials ({chain.method})")
        return
    settings, life = examination.settings, ""
    if chain.expires_at is not None:
        left = (chain.expires_at - examination.now()).total_seconds()
        life = f", in {left:.0f} s"
    yield ok(FOUND, f"boto3 finds temporary credentials ({chain.method}); they expire{life}")
    for key in ("ticket_ttl", "put_ttl"):
        setting, ttl = f"{PREFIX}{key.upper()}", getattr(settings, key)
        yield from _promised(setting, ttl, setting=setting, fix=f"{setting}={REFRESHED_SECONDS}")
        for profile in settings.limits.profiles:
            if getattr(profile, key) != ttl:
                yield from _promised(
                    f"{key} of {profile.name}",
                    getattr(profile, key),
                    setting=f"{PREFIX}PROFILES_FILE",
                    fix=f"set {key} = {REFRESHED_SECONDS} in the section [{profile.name}]",
                )


def _promised(name: str, ttl: int, *, setting: str, fix: str) -> Iterator[Finding]:
    """Yield a warning if tickets promise to live longer than temporary credentials may."""
    if ttl > REFRESHED_SECONDS:
        yield warn(
            FOUND,
            f"tickets expire with the temporary credentials, but {name} promises {ttl} s",
            setting=setting,
            fix=fix,
        )


def accepted(examination: Examination) -> Iterator[Finding]:
    """Check the bucket's answer to a signed request."""
    answer = examination.signed_answer
    if answer.code in UNKNOWN_KEY:
        yield fail(
            ACCEPTED,
            f"the bucket does not know the access key: {answer.summary}",
            setting="AWS_ACCESS_KEY_ID",
            fix="set AWS_ACCESS_KEY_ID to a key that belongs to the bucket's account",
        )
    elif answer.code == "SignatureDoesNotMatch":
        yield fail(
            ACCEPTED,
            f"the secret key does not match the access key: {answer.summary}",
            setting="AWS_SECRET_ACCESS_KEY",
            fix="set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID",
        )
    elif answer.code in TOKEN:
        yield fail(
            ACCEPTED,
            f"they have expired, or the session token does not match: {answer.summary}",
            setting="AWS_SESSION_TOKEN",
            fix="get new credentials; with long-lived keys, unset AWS_SESSION_TOKEN",
        )
    else:
        yield ok(ACCEPTED, "the bucket knows the access key and its signature")


def _unreadable(check: str, fault: ChainFault) -> Finding:
    return fail(
        check,
        f"boto3 says: {fault}",
        setting=fault.setting,
        fix=f"set {fault.setting}, or unset it and its companions (docs/settings.md)",
    )
