"""Sign POST policies and HEAD requests with AWS Signature Version 4; `signed_urls` signs URLs.

AWS: "Calculating a signature" and "Authenticating requests: browser-based uploads using POST" (AWS
Signature Version 4). The signing key is derived once a day for each set of credentials. That makes
signing about ten times cheaper than deriving the key for each form.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

import orjson

from broker.domain.default_ports import DEFAULT_PORTS
from broker.domain.post_policy import PostForm

ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """AWS credentials; temporary ones have a `session_token`."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        """Return the access key id without the secret."""
        return f"Credentials(access_key_id={self.access_key_id!r})"


@lru_cache(maxsize=8)
def signing_key(secret_access_key: str, date: str, region: str) -> hmac.HMAC:
    """Derive the signing key of a day, and begin a signature with it; each one uses a copy.

    `date` is `YYYYMMDD` in UTC.
    """
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")


class Signer:
    """Signs with one set of credentials at one time, so all signatures share their scope and key.

    Attributes:
        time: in ISO 8601's basic format, `20261123T093015Z`.
        credential: the access key id and the scope: day, region, service.
        token: the session token of temporary credentials.

    Args:
        region: the bucket's region.
        credentials: the ones to sign with.
        now: aware UTC.
    """

    def __init__(self, *, region: str, credentials: Credentials, now: datetime) -> None:
        # `strftime` takes as long as the signature.
        self.time = f"{now.isoformat()[:19].replace('-', '').replace(':', '')}Z"
        date = self.time[:8]
        scope = f"{date}/{region}/s3/aws4_request"
        self.credential = f"{credentials.access_key_id}/{scope}"
        self.token = credentials.session_token
        self._begun = signing_key(credentials.secret_access_key, date, region)
        self._begin = f"{ALGORITHM}\n{self.time}\n{scope}\n"

    def of_text(self, text: bytes) -> str:
        """Return the signature of a text, such as a policy."""
        signature = self._begun.copy()
        signature.update(text)
        return signature.hexdigest()

    def of_request(self, digest: str) -> str:
        """Return the signature of one request by the SHA-256 of its canonical form, in hex."""
        return self.of_text(f"{self._begin}{digest}".encode())


def sign_post(form: PostForm, *, bucket: str, signer: Signer) -> dict[str, str]:
    """Return all fields of the signed form, in the order to send them."""
    signed = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": signer.credential,
        "x-amz-date": signer.time,
    }
    if signer.token is not None:
        signed["x-amz-security-token"] = signer.token
    conditions = [*form.conditions(bucket), *[{name: value} for name, value in signed.items()]]
    expiration = f"{form.expires_at.isoformat()[:19]}Z"
    policy = base64.b64encode(orjson.dumps({"expiration": expiration, "conditions": conditions}))
    signature = signer.of_text(policy)
    own = {"bucket": bucket} if form.names_bucket else {}
    return {**own, **form.fields, **signed, "policy": policy.decode(), "x-amz-signature": signature}


def sign_head(
    *, bucket_path: str, host: str, object_key: str, signer: Signer, checksum_mode: bool = True
) -> tuple[str, dict[str, str]]:
    """Return the path and headers of a HeadObject, in checksum mode if not told otherwise.

    Args:
        bucket_path: the bucket's path, without a trailing slash; empty with virtual addressing.
        host: the Host header that will be sent.
        object_key: the object to ask for.
        signer: the one to sign with.
        checksum_mode: ask for the checksum, too; with SSE-KMS this needs the key.
    """
    path = f"{bucket_path}/{quoted_key(object_key)}"
    headers = {"host": host}
    if checksum_mode:
        headers["x-amz-checksum-mode"] = "ENABLED"
    headers["x-amz-content-sha256"] = _EMPTY_SHA256
    headers["x-amz-date"] = signer.time
    if signer.token is not None:
        headers["x-amz-security-token"] = signer.token
    names = ";".join(headers)
    lines = "".join([f"{name}:{value}\n" for name, value in headers.items()])
    canonical = f"HEAD\n{path}\n\n{lines}\n{names}\n{_EMPTY_SHA256}"
    signature = signer.of_request(hashlib.sha256(canonical.encode()).hexdigest())
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={signer.credential}, SignedHeaders={names}, Signature={signature}"
    )
    return path, headers


@lru_cache(maxsize=1024)
def quoted_key(object_key: str) -> str:
    """Quote a key for a path."""
    return quote(object_key, safe="/~")


def host_header(scheme: str, netloc: str) -> str:
    """Return the Host header that clients send, without the default port of the scheme."""
    return netloc.removesuffix(f":{DEFAULT_PORTS[scheme]}").lower()
