"""What a trial finds out about a server, and the row of the table that fits it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from broker.domain.s3_servers.server import Digests, S3Server

_WORDS = {
    ("takes_forms", True): "it takes forms",
    ("takes_forms", False): "it takes no forms",
    ("form_names_bucket", True): "its forms must name the bucket",
    ("form_names_bucket", False): "its forms need not name the bucket",
    ("writes_once", True): "a second PUT does not overwrite the first",
    ("writes_once", False): "a second PUT overwrites the first",
    ("digests", Digests.RETURNED): "it enforces and returns digests",
    ("digests", Digests.ENFORCED): "it enforces digests, and does not return them",
    ("digests", Digests.IGNORED): "it ignores digests",
    ("digests", Digests.REFUSED): "it refuses requests with a digest",
    ("checks_copies", True): "it checks the condition of a copy",
    ("checks_copies", False): "it ignores the condition of a copy",
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was seen of a server. None: it was not found out."""

    takes_forms: bool | None = None
    form_names_bucket: bool | None = None
    writes_once: bool | None = None
    digests: Digests | None = None
    checks_copies: bool | None = None

    def unlike(self, row: S3Server) -> list[str]:
        """Return in words what was seen and is not as the row says."""
        told = facts_of(row)
        return [
            _WORDS[name, seen]
            for name, seen in self._seen()
            if getattr(told, name) not in (None, seen)
        ]

    def words(self) -> list[str]:
        """Return in words what was seen."""
        return [_WORDS[name, seen] for name, seen in self._seen()]

    def _seen(self) -> list[tuple[str, bool | Digests]]:
        every = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return [(name, seen) for name, seen in every if seen is not None]


def facts_of(row: S3Server) -> Facts:
    """Return what a trial sees on a server that is as its row says."""
    takes_forms = "post" in row.transports
    return Facts(
        takes_forms=takes_forms,
        form_names_bucket=row.form_names_bucket if takes_forms else None,
        writes_once=row.writes_once,
        digests=row.digests,
        checks_copies=row.checks_copies,
    )


def recognise(
    rows: Iterable[S3Server], *, endpoint_url: str, headers: Mapping[str, str]
) -> S3Server | None:
    """Return the row of a server that names itself in its host or in the headers of an answer."""
    host, server = urlsplit(endpoint_url).hostname or "", headers.get("Server", "").lower()
    return next(
        (
            row
            for row in rows
            if host.endswith(row.hosts)
            or server.startswith(tuple(name.lower() for name in row.server_headers))
            or any(name in headers for name in row.headers)
        ),
        None,
    )


def fitting(rows: Iterable[S3Server], facts: Facts) -> S3Server | None:
    """Return the row that is most like these facts; None if each row differs in some."""
    return next((row for row in rows if not facts.unlike(row)), None)
