"""Types of setting values: how each is parsed and validated."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from limits import parse
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from broker.domain.object_keys import NOT_PUBLIC
from broker.domain.part_plan import MAX_OBJECT_BYTES

ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
# Older buckets may have uppercase letters and `_` in their names.
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")
ONE_LINE = re.compile(r"[ -~]*")
WEBHOOK_URL = re.compile(
    r"https?://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?"
)
HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
MIN_WIDTH, MAX_WIDTH, MAX_WIDTHS = 16, 4096, 8
STORES = ("redis", "rediss", "redis+unix", "redis+sentinel")


def host_name(authority: str) -> str:
    """Return the host of a URL authority or a Host header, without user and port."""
    return re.sub(r":[0-9]*$", "", authority.rpartition("@")[2]).lower()


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _origin(value: str) -> str:
    # flask-cors and S3 would treat `https://*` as a pattern that matches every origin.
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
    # botocore does not sign for other hosts, such as one with an underscore.
    if not HOST.fullmatch(host_name(urlsplit(value).netloc)):
        raise ValueError(
            "must be an http or https URL with only letters, digits, - and . in its host"
        )
    return value


def _webhook_url(value: str) -> str:
    if not WEBHOOK_URL.fullmatch(value) or "#" in value:
        raise ValueError("must be an https URL of ASCII characters, without user and fragment")
    _check_port(value)
    return value


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must be a URL with a numeric port") from None


def _bucket(value: str) -> str:
    if not BUCKET.fullmatch(value):
        raise ValueError("must be a bucket name: letters, digits, - and .")
    return value


def one_line(value: str) -> str:
    """Return the value of a header; raise ValueError if it is not one line of ASCII."""
    if not ONE_LINE.fullmatch(value):
        raise ValueError("must be one line of ASCII characters, as in a header")
    return value


def _location(value: str) -> str:
    cleaned = value.strip("/")
    if not cleaned or cleaned.split("/")[0] in NOT_PUBLIC or ".." in cleaned:
        raise ValueError("must be a key prefix such as media, but not incoming or private")
    return cleaned


def none_if_empty(value: object) -> object:
    """Return None for an empty value, so that an empty variable counts as unset."""
    return None if value == "" else value


def _host(value: str) -> str:
    if not HOST.fullmatch(value):
        raise ValueError(
            "each must be a host such as shop.example, or .shop.example for all subdomains"
        )
    return value


def _proxy(value: str) -> str:
    if value == "unix":
        return value
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError("each must be an address, a network such as 10.0.0.0/8, or unix") from None


def ascending_widths(value: tuple[int, ...]) -> tuple[int, ...]:
    """Return the widths of variants in ascending order, each once.

    Raises:
        ValueError: a width is too small or too large, or there are too many.
    """
    if not all(MIN_WIDTH <= width <= MAX_WIDTH for width in value) or len(value) > MAX_WIDTHS:
        raise ValueError(
            f"must be at most {MAX_WIDTHS} widths of {MIN_WIDTH} to {MAX_WIDTH} pixels"
        )
    return tuple(sorted(set(value)))


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


# Values that a setting and a key of a profile have in common.
MaxBytes = Annotated[int, Field(ge=1, le=MAX_OBJECT_BYTES)]
MaxPixels = Annotated[int, Field(ge=1, le=1_000_000_000)]
MaxFrames = Annotated[int, Field(ge=1, le=100_000)]
TicketTtl = Annotated[int, Field(ge=1, le=3600)]
PutTtl = Annotated[int, Field(ge=1, le=43200)]
MultipartTtl = Annotated[int, Field(ge=60, le=604800)]
MAX_COUNT = 10_000

HttpUrl = Annotated[str, AfterValidator(_http_url)]
_Origin = Annotated[str, AfterValidator(_origin)]
OptionalUrl = Annotated[HttpUrl | None, BeforeValidator(none_if_empty)]
OptionalS3Url = Annotated[
    Annotated[HttpUrl, AfterValidator(_s3_url)] | None, BeforeValidator(none_if_empty)
]
OptionalWebhookUrl = Annotated[
    Annotated[str, AfterValidator(_webhook_url)] | None, BeforeValidator(none_if_empty)
]
BucketName = Annotated[str, Field(min_length=3, max_length=63), AfterValidator(_bucket)]
OptionalBucket = Annotated[BucketName | None, BeforeValidator(none_if_empty)]
HeaderValue = Annotated[str, AfterValidator(one_line)]
OptionalPath = Annotated[Path | None, BeforeValidator(none_if_empty)]
OptionalText = Annotated[str | None, BeforeValidator(none_if_empty)]
Origins = Annotated[tuple[_Origin, ...], NoDecode, BeforeValidator(_split)]
Location = Annotated[str, AfterValidator(_location)]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_split)
]
Proxies = Annotated[
    tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_split)
]
Widths = Annotated[
    tuple[int, ...], NoDecode, BeforeValidator(_split), AfterValidator(ascending_widths)
]
Rate = Annotated[str | None, BeforeValidator(none_if_empty), AfterValidator(_rate)]
StorageUrl = Annotated[
    SecretStr | None, BeforeValidator(none_if_empty), AfterValidator(_storage_url)
]
