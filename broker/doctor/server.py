"""Check that BROKER_S3_SERVER names the row of the table that fits the server."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, skip, warn
from broker.doctor.server_trial import try_out
from broker.domain.s3_servers import OTHER, S3_SERVERS, S3Server
from broker.domain.s3_servers.facts import fitting, recognise

CHECK, SETTING = "server", "BROKER_S3_SERVER"


def check(examination: Examination) -> Iterator[Finding]:
    """Try out what differs between servers, and compare it with the row of the settings."""
    try:
        facts = try_out(examination)
    except Unreachable as error:
        yield refusal.unreachable(CHECK, examination, error)
        return
    if facts is None:
        yield skip(CHECK, "the server takes neither a form nor a PUT; see the check `ticket`")
        return
    row = examination.settings.server
    named = recognise(
        S3_SERVERS.values(),
        endpoint_url=examination.probe.endpoint_url,
        headers=examination.signed_answer.headers,
    )
    # A server that names itself may be of another release than its row, and behave like another.
    likely = [one for one in (named, row, OTHER) if one is not None]
    fits = fitting([*likely, *S3_SERVERS.values()], facts)
    title = (named or fits or OTHER).title
    unlike = facts.unlike(row)
    if unlike:
        yield warn(
            CHECK,
            f"answers like {_called(fits)}, not like {SETTING}={row.name}: {'; '.join(unlike)}",
            setting=SETTING,
            fix=f"{SETTING}={fits.name}"
            if fits
            else "use a server that a row of docs/s3-servers.md describes",
        )
    elif named not in (None, row) and row is not OTHER:
        yield warn(
            CHECK,
            f"the server says that it is {title}, and {SETTING} is {row.name}",
            setting=SETTING,
            fix=f"{SETTING}={named.name}" if named else SETTING,
        )
    elif row is OTHER and named is not None:
        yield ok(CHECK, f"answers like {title}: row {named.name} fits as well, and says more")
    else:
        yield ok(CHECK, f"answers like {title}: row {row.name} fits")


def _called(fits: S3Server | None) -> str:
    return "no row of the table" if fits is None else f"{fits.title} (row {fits.name} fits)"
