"""The kinds of values that settings have: how each is read from its text, and what is refused."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from limits import parse
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")  # uppercase and _ as older buckets have
ONE_LINE = re.compile(r"[ -~]*")
HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
STORES = ("redis", "rediss", "redis+unix", "redis+sentinel")


def host_name(authority: str) -> str:
    """Give an authority's host, as it stands in a Host header, without user and port."""
    return re.sub(r":[0-9]*$", "", authority.rpartition("@")[2]).lower()


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _origin(value: str) -> str:
    # Nothing that flask-cors or S3 would take for a pattern: `https://*` must not let all in.
    if not ORIGIN.fullmatch(value):
        raise ValueError("each must be an origin such as https://shop.example, never *")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL")
    _check_port(value)
    return value.rstrip("/")


def _s3_url(value: str) -> str:
    # botocore signs for no other host, such as one with an underscore.
    if not HOST.fullmatch(host_name(urlsplit(value).netloc)):
        raise ValueError("must be an http or https URL, its host of letters, digits, - and .")
    return value


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must be a URL whose port is a number") from None


def _bucket(value: str) -> str:
    if not BUCKET.fullmatch(value):
        raise ValueError("must be a bucket's name: letters, digits, - and .")
    return value


def _one_line(value: str) -> str:
    if not ONE_LINE.fullmatch(value):
        raise ValueError("must be one line of ASCII, as a header's value is")
    return value


def _location(value: str) -> str:
    cleaned = value.strip("/")
    if not cleaned or cleaned.split("/")[0] == "incoming" or ".." in cleaned:
        raise ValueError("must be a key prefix such as media, and not incoming")
    return cleaned


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _host(value: str) -> str:
    if not HOST.fullmatch(value):
        raise ValueError("each must be a host such as shop.example, or .shop.example for all of it")
    return value


def _proxy(value: str) -> str:
    if value == "unix":
        return value
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError("each must be an address, a network such as 10.0.0.0/8, or unix") from None


def _rate(value: str | None) -> str | None:
    if value is not None:
        try:
            parse(value)
        except ValueError:
            raise ValueError("must be a rate such as 120/minute") from None
    return value


def _storage_url(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        url = value.get_secret_value()
        scheme = url.partition("://")[0].replace("valkey", "redis", 1)
        if url != "memory://" and scheme not in STORES:
            raise ValueError("must be a URL such as redis://host:6379/0 or valkey://host:6379/0")
        if scheme in ("redis", "rediss"):
            _check_port(url)
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
_Origin = Annotated[str, AfterValidator(_origin)]
OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(_none_if_empty)]
OptionalS3Url = Annotated[
    Annotated[HttpUrl, AfterValidator(_s3_url)] | None, BeforeValidator(_none_if_empty)
]
BucketName = Annotated[str, AfterValidator(_bucket)]
HeaderValue = Annotated[str, AfterValidator(_one_line)]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
Origins = Annotated[tuple[_Origin, ...], NoDecode, BeforeValidator(_split)]
Location = Annotated[str, AfterValidator(_location)]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_split)
]
Proxies = Annotated[
    tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_split)
]
Rate = Annotated[str | None, BeforeValidator(_none_if_empty), AfterValidator(_rate)]
StorageUrl = Annotated[
    SecretStr | None, BeforeValidator(_none_if_empty), AfterValidator(_storage_url)
]
