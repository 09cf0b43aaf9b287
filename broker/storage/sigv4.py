"""Sign POST policies, presigned PUTs and presigned GETs with AWS Signature Version 4.

AWS: "Calculating a signature", "Authenticating requests: browser-based uploads using POST" and
"Authenticating requests: using query parameters" (AWS Signature Version 4). The signing key is
derived once a day for each set of credentials. That makes signing about ten times cheaper than
deriving the key for each form.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

import orjson

from broker.domain.post_policy import PostForm
from broker.domain.put_request import PutRequest

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
def signing_key(secret_access_key: str, date: str, region: str) -> bytes:
    """Derive the signing key of a day; `date` is `YYYYMMDD` in UTC."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign_post(
    form: PostForm, *, bucket: str, region: str, credentials: Credentials, now: datetime
) -> dict[str, str]:
    """Return all fields of the signed form, in the order to send them; `now` is aware UTC."""
    time = _basic(now)
    date = time[:8]
    signed = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{credentials.access_key_id}/{_scope(date, region)}",
        "x-amz-date": time,
    }
    if credentials.session_token is not None:
        signed["x-amz-security-token"] = credentials.session_token
    conditions = [*form.conditions(bucket), *({name: value} for name, value in signed.items())]
    expiration = f"{form.expires_at.isoformat()[:19]}Z"
    policy = base64.b64encode(orjson.dumps({"expiration": expiration, "conditions": conditions}))
    key = signing_key(credentials.secret_access_key, date, region)
    signature = hmac.digest(key, policy, "sha256").hex()
    return {**form.fields, **signed, "policy": policy.decode(), "x-amz-signature": signature}


def sign_put(
    request: PutRequest, *, bucket_url: str, region: str, credentials: Credentials, now: datetime
) -> str:
    """Return the presigned URL for a PUT; `now` is aware UTC.

    The signature covers all headers of the request, Host, and Content-Length if it is known. It
    does not cover the payload (UNSIGNED-PAYLOAD). One of the headers has the payload's digest.
    """
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    if request.content_length is not None:
        headers["content-length"] = str(request.content_length)
    return _sign_url(
        "PUT",
        request.object_key,
        headers=headers,
        query={_quoted(name): _quoted(value) for name, value in request.query.items()},
        expires_in=request.expires_in,
        bucket_url=bucket_url,
        region=region,
        credentials=credentials,
        now=now,
    )


def sign_get(
    object_key: str,
    *,
    query: Mapping[str, str],
    expires_in: int,
    bucket_url: str,
    region: str,
    credentials: Credentials,
    now: datetime,
) -> str:
    """Return the presigned URL for a GET; `now` is aware UTC.

    The signature covers Host and the query, for example `response-content-type`.
    """
    return _sign_url(
        "GET",
        object_key,
        headers={},
        # Not `_quoted`: its cache would keep file names.
        query={name: quote(value, safe="~") for name, value in query.items()},
        expires_in=expires_in,
        bucket_url=bucket_url,
        region=region,
        credentials=credentials,
        now=now,
    )


def _sign_url(
    method: str,
    object_key: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    expires_in: int,
    bucket_url: str,
    region: str,
    credentials: Credentials,
    now: datetime,
) -> str:
    """Return a presigned URL. Names of `headers` are in lower case, and `query` is quoted."""
    time = _basic(now)
    base = urlsplit(bucket_url)
    path = f"{base.path.rstrip('/')}/{_quoted_key(object_key)}"
    signed = {**headers, "host": host_header(base.scheme, base.netloc)}
    ordered = sorted(signed)
    names = ";".join(ordered)
    authentication = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{_scope(time[:8], region)}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(expires_in),
        "X-Amz-SignedHeaders": names,
    }
    if credentials.session_token is not None:
        authentication["X-Amz-Security-Token"] = credentials.session_token
    pairs = [*query.items(), *((name, _quoted(value)) for name, value in authentication.items())]
    canonical_query = "&".join([f"{name}={value}" for name, value in sorted(pairs)])
    canonical_headers = "".join([f"{name}:{signed[name]}\n" for name in ordered])
    canonical = "\n".join(
        (method, path, canonical_query, canonical_headers, names, "UNSIGNED-PAYLOAD")
    )
    signature = _signature(canonical, time, region, credentials)
    host = f"{base.scheme}://{base.netloc}"
    return f"{host}{path}?{canonical_query}&X-Amz-Signature={signature}"


def sign_head(
    *,
    bucket_path: str,
    host: str,
    object_key: str,
    region: str,
    credentials: Credentials,
    now: datetime,
    checksum_mode: bool = True,
) -> tuple[str, dict[str, str]]:
    """Return the path and headers of a HeadObject, in checksum mode if not told otherwise.

    Args:
        bucket_path: the bucket's path, without a trailing slash; empty with virtual addressing.
        host: the Host header that will be sent.
        object_key: the object to ask for.
        region: the bucket's region.
        credentials: the ones to sign with.
        now: aware UTC.
        checksum_mode: ask for the checksum, too; with SSE-KMS this needs the key.
    """
    time = _basic(now)
    path = f"{bucket_path}/{_quoted_key(object_key)}"
    headers = {"host": host}
    if checksum_mode:
        headers["x-amz-checksum-mode"] = "ENABLED"
    headers["x-amz-content-sha256"] = _EMPTY_SHA256
    headers["x-amz-date"] = time
    if credentials.session_token is not None:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(("HEAD", path, "", lines, names, _EMPTY_SHA256))
    signature = _signature(canonical, time, region, credentials)
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{_scope(time[:8], region)}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return path, headers


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """Quote a name or value of a query; cached, because the URLs of parts share most of them."""
    return quote(text, safe="~")


@lru_cache(maxsize=1024)
def _quoted_key(object_key: str) -> str:
    return quote(object_key, safe="/~")


def _signature(canonical: str, time: str, region: str, credentials: Credentials) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, time, _scope(time[:8], region), digest))
    key = signing_key(credentials.secret_access_key, time[:8], region)
    return hmac.digest(key, text.encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _basic(time: datetime) -> str:
    """Return an aware UTC time in ISO 8601's basic format, `20261123T093015Z`.

    It uses `isoformat` because `strftime` costs as much as the signature.
    """
    return f"{time.isoformat()[:19].replace('-', '').replace(':', '')}Z"


def _scope(date: str, region: str) -> str:
    return f"{date}/{region}/s3/aws4_request"


def host_header(scheme: str, netloc: str) -> str:
    """Return the Host header that clients send, without the default port of the scheme."""
    default = {"http": ":80", "https": ":443"}[scheme]
    return netloc.removesuffix(default).lower()
