"""Sign POST policies and presigned PUTs with AWS Signature Version 4.

AWS: "Calculating a signature", "Authenticating requests: browser-based uploads using POST" and
"Authenticating requests: using query parameters" (AWS Signature Version 4). The signing key is
derived once a day for each set of credentials, which is what makes this an order of magnitude
cheaper than deriving it for each form.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

from broker.domain.post_policy import PostForm
from broker.domain.put_request import PutRequest

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """One set of AWS credentials; `session_token` with temporary ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        """Show which key it is, never its secret."""
        return f"Credentials(access_key_id={self.access_key_id!r})"


@lru_cache(maxsize=8)
def signing_key(secret_access_key: str, date: str, region: str) -> bytes:
    """Derive the day's key; `date` is `YYYYMMDD` in UTC."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign_post(
    form: PostForm, *, bucket: str, region: str, credentials: Credentials, now: datetime
) -> dict[str, str]:
    """Give all fields of the signed form, in the order to send them; `now` is aware UTC."""
    date = f"{now:%Y%m%d}"
    signed = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{credentials.access_key_id}/{_scope(date, region)}",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    if credentials.session_token is not None:
        signed["x-amz-security-token"] = credentials.session_token
    conditions = [*form.conditions(bucket), *({name: value} for name, value in signed.items())]
    document = {"expiration": f"{form.expires_at:%Y-%m-%dT%H:%M:%SZ}", "conditions": conditions}
    policy = base64.b64encode(json.dumps(document).encode()).decode("ascii")
    key = signing_key(credentials.secret_access_key, date, region)
    signature = hmac.new(key, policy.encode("ascii"), hashlib.sha256).hexdigest()
    return {**form.fields, **signed, "policy": policy, "x-amz-signature": signature}


def sign_put(
    request: PutRequest, *, bucket_url: str, region: str, credentials: Credentials, now: datetime
) -> str:
    """Give the presigned URL of a PUT; `now` is aware UTC.

    All of the request's headers are signed, Host and a known Content-Length with them; the
    payload is not (UNSIGNED-PAYLOAD), its digest being one of the headers.
    """
    date = f"{now:%Y%m%d}"
    base = urlsplit(bucket_url)
    path = f"{base.path.rstrip('/')}/{quote(request.object_key, safe='/~')}"
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    headers["host"] = _host(base.scheme, base.netloc)
    if request.content_length is not None:
        headers["content-length"] = str(request.content_length)
    names = ";".join(sorted(headers))
    query = {
        **request.query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{_scope(date, region)}",
        "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": str(request.expires_in),
        "X-Amz-SignedHeaders": names,
    }
    if credentials.session_token is not None:
        query["X-Amz-Security-Token"] = credentials.session_token
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
    canonical_query = "&".join(f"{name}={value}" for name, value in pairs)
    canonical_headers = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(
        ("PUT", path, canonical_query, canonical_headers, names, "UNSIGNED-PAYLOAD")
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, query["X-Amz-Date"], _scope(date, region), digest))
    key = signing_key(credentials.secret_access_key, date, region)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    host = f"{base.scheme}://{base.netloc}"
    return f"{host}{path}?{canonical_query}&X-Amz-Signature={signature}"


def _scope(date: str, region: str) -> str:
    return f"{date}/{region}/s3/aws4_request"


def _host(scheme: str, netloc: str) -> str:
    """Give the Host header that clients send: a scheme's own port is left out."""
    default = {"http": ":80", "https": ":443"}[scheme]
    return netloc.removesuffix(default).lower()
