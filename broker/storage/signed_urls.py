"""Presign URLs for PUTs and GETs with AWS Signature Version 4.

AWS: "Authenticating requests: using query parameters" (AWS Signature Version 4). The signature
covers the method, the path, the query, Host and the headers, but not the payload
(UNSIGNED-PAYLOAD). One of the headers may have the payload's digest.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from urllib.parse import quote, urlsplit

from broker.domain.put_request import SHA256_HEADER, PartsRequest, PutRequest
from broker.storage.sigv4 import ALGORITHM, Signer, host_header, quoted_key


class UrlSigner:
    """Signs URLs for one method, key and lifetime.

    All names of its own parameters begin with `X-Amz-`, and sort before those of the request. So
    the URLs of one signer begin with the same text, which is hashed once.

    Args:
        method: the HTTP method.
        object_key: the full key.
        names: the names of all headers that are signed, in lower case and sorted, with `host`.
        expires_in: how many seconds the URLs can be used.
        bucket_url: where clients reach the bucket.
        signer: the one to sign with.
    """

    def __init__(
        self,
        method: str,
        object_key: str,
        *,
        names: Iterable[str],
        expires_in: int,
        bucket_url: str,
        signer: Signer,
    ) -> None:
        base = urlsplit(bucket_url)
        path = f"{base.path.rstrip('/')}/{quoted_key(object_key)}"
        signed = ";".join(names)
        token = "" if signer.token is None else f"&X-Amz-Security-Token={_quoted(signer.token)}"
        query = (
            f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={_quoted(signer.credential)}"
            f"&X-Amz-Date={signer.time}&X-Amz-Expires={expires_in}{token}"
            f"&X-Amz-SignedHeaders={_quoted(signed)}"
        )
        self._signature = signer.of_request
        self._begun = hashlib.sha256(f"{method}\n{path}\n{query}".encode())
        self._end = f"\n{signed}\nUNSIGNED-PAYLOAD"
        self._url = f"{base.scheme}://{base.netloc}{path}?{query}"

    def url(self, lines: str, query: str = "") -> str:
        """Return a signed URL.

        Args:
            lines: the signed headers, `name:value` and a line break for each, sorted.
            query: the request's own parameters, quoted and sorted, each after a `&`. Their names
                begin with a small letter.
        """
        canonical = self._begun.copy()
        canonical.update(f"{query}\n{lines}{self._end}".encode())
        return f"{self._url}{query}&X-Amz-Signature={self._signature(canonical.hexdigest())}"


def sign_put(request: PutRequest, *, bucket_url: str, signer: Signer) -> str:
    """Return the URL for the PUT of a whole object, which also signs Content-Length."""
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    headers |= {"content-length": str(request.content_length), "host": _host(bucket_url)}
    names = sorted(headers)
    urls = UrlSigner(
        "PUT",
        request.object_key,
        names=names,
        expires_in=request.expires_in,
        bucket_url=bucket_url,
        signer=signer,
    )
    return urls.url("".join([f"{name}:{headers[name]}\n" for name in names]))


def sign_parts(request: PartsRequest, *, bucket_url: str, signer: Signer) -> list[str]:
    """Return the URL for the PUT of each part, which also signs Content-Length if it is known."""
    host = f"host:{_host(bucket_url)}\n"
    upload = f"&uploadId={quote(request.multipart_id, safe='~')}"

    @cache
    def urls(*names: str) -> UrlSigner:
        return UrlSigner(
            "PUT",
            request.object_key,
            names=filter(None, names),
            expires_in=request.expires_in,
            bucket_url=bucket_url,
            signer=signer,
        )

    signed = []
    for part in request.parts:
        length = digest = ""
        if part.size is not None:
            length = f"content-length:{part.size}\n"
        if part.checksum_sha256 is not None:
            digest = f"{SHA256_HEADER}:{part.checksum_sha256}\n"
        of_kind = urls(length and "content-length", "host", digest and SHA256_HEADER)
        query = f"&partNumber={part.part_number}{upload}"
        signed.append(of_kind.url(f"{length}{host}{digest}", query))
    return signed


def sign_get(
    object_key: str, *, query: Mapping[str, str], expires_in: int, bucket_url: str, signer: Signer
) -> str:
    """Return the URL for a GET with a query, for example `response-content-type`."""
    urls = UrlSigner(
        "GET",
        object_key,
        names=("host",),
        expires_in=expires_in,
        bucket_url=bucket_url,
        signer=signer,
    )
    # Not `_quoted`: its cache would keep file names.
    pairs = [f"&{name}={quote(value, safe='~')}" for name, value in sorted(query.items())]
    return urls.url(f"host:{_host(bucket_url)}\n", "".join(pairs))


@lru_cache(maxsize=64)
def _quoted(text: str) -> str:
    """Quote what many URLs have in common."""
    return quote(text, safe="~")


@lru_cache(maxsize=8)
def _host(bucket_url: str) -> str:
    base = urlsplit(bucket_url)
    return host_header(base.scheme, base.netloc)
