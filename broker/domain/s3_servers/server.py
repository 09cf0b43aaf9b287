"""What differs between S3 servers, as plain data. The rows are in the files beside this one."""

from dataclasses import dataclass
from enum import StrEnum

# By their names in `domain/transports`. Every server takes presigned PUTs and parts.
WITH_FORMS = ("post", "put", "multipart")
WITHOUT_FORMS = ("put", "multipart")


class Digests(StrEnum):
    """What a server does with the SHA-256 that a request is signed with.

    `returned`: it refuses other bytes, and HEAD returns the digest. `enforced`: it refuses other
    bytes, and HEAD returns nothing. `ignored`: it takes any bytes. `refused`: it refuses every
    request with a digest, so no request is signed with one.
    """

    RETURNED = "returned"
    ENFORCED = "enforced"
    IGNORED = "ignored"
    REFUSED = "refused"


class PublicReading(StrEnum):
    """What a server can open to anyone: the objects below a prefix, or only a whole bucket."""

    PREFIX = "prefix"
    BUCKET = "bucket"


class Feature(StrEnum):
    """A part of a bucket's configuration that a server may lack; see `broker bucket apply`."""

    PUBLIC_ACCESS_BLOCK = "public access block"
    POLICY = "policy"
    CORS = "CORS"
    EXPIRATION = "expiration of objects"
    ABORT_PARTS = "abortion of incomplete uploads"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """How a server says that a form or a URL has expired: one of the codes, and one of the texts.

    The same codes have other meanings, so the message must say it, too; an empty text matches each
    message.
    """

    codes: frozenset[str]
    texts: tuple[str, ...]

    def is_said_by(self, code: str, message: str) -> bool:
        """Check whether this error means that the form or the URL has expired."""
        return code in self.codes and any(text in message.lower() for text in self.texts)


# AWS, SeaweedFS, MinIO, Ceph and others.
DENIED = Expiry(codes=frozenset({"AccessDenied"}), texts=("expired",))


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """One row of the table: an S3 server, and what the broker does differently for it.

    Attributes:
        name: the value of BROKER_S3_SERVER.
        title: the name that operators know.
        sources: documentation or source code that the row was written from.
        measured: the release that the row was measured with; None if it was never run.
        takes_forms: clients may send POST forms.
        default_transport: the one for small files if a request names none.
        form_status: `success_action_status` of forms.
        form_names_bucket: forms need a field with the bucket's name.
        form_keeps_headers: an object has the Cache-Control of its form. Otherwise a copy says it
            again.
        form_reads_user_policies: a form may do what the policy of its signer allows. Otherwise the
            policy of the bucket must allow it, too.
        policies_see_presigned: policies can deny something to presigned requests and forms alone
            (s3:authType). Otherwise they deny copies to `incoming/` to everyone.
        writes_once: a PUT with `If-None-Match: *` does not overwrite an object. Without it, PUTs
            are signed and sent without the header.
        digests: see Digests.
        checks_copies: a copy fails if its source does not have the ETag that the request names.
            Without it, the ETag of the copy is compared afterwards.
        public_reading: see PublicReading.
        lacks: what `broker bucket apply` does not expect of the server. None: nothing is known.
        expiry: see Expiry.
        digest_errors: the codes for bytes that do not have the signed digest.
        region: what requests are signed for if the AWS settings name no region.
        server_headers: with what its `Server` header begins.
        hosts: with what the host of its endpoint ends.
        headers: other headers that only this server sends.
    """

    name: str
    title: str
    sources: tuple[str, ...] = ()
    measured: str | None = None
    takes_forms: bool = True
    default_transport: str = "post"
    form_status: str = "201"
    form_names_bucket: bool = False
    form_keeps_headers: bool = True
    form_reads_user_policies: bool = True
    policies_see_presigned: bool = True
    writes_once: bool = True
    digests: Digests = Digests.RETURNED
    checks_copies: bool = True
    public_reading: PublicReading = PublicReading.PREFIX
    lacks: frozenset[Feature] | None = frozenset()
    expiry: Expiry = DENIED
    digest_errors: frozenset[str] = frozenset({"BadDigest"})
    region: str = "us-east-1"
    server_headers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    @property
    def transports(self) -> tuple[str, ...]:
        """How clients may send bytes."""
        return WITH_FORMS if self.takes_forms else WITHOUT_FORMS

    @property
    def signs_digests(self) -> bool:
        """Check whether requests may have a digest."""
        return self.digests is not Digests.REFUSED

    @property
    def proves_digests(self) -> bool:
        """Check whether an object has the digest that its request was signed with.

        Otherwise only the worker, which reads the object, knows its digest.
        """
        return self.digests in (Digests.RETURNED, Digests.ENFORCED)

    @property
    def returns_digests(self) -> bool:
        """Check whether HEAD should ask for the digest. Backblaze B2 answers 400 to that."""
        return self.digests is Digests.RETURNED
