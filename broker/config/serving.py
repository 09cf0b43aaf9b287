"""Settings of a public API: serving and stopping, rate limits, quotas, proxies and hosts."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.config.values import Hosts, OptionalPath, Proxies, Rate, StorageUrl
from broker.domain.limits import Limits

PREFIX = "BROKER_"


class ServingSettings(BaseSettings):
    """Settings of a public API. Sizes are in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    drain_seconds: int = Field(
        default=5,
        ge=0,
        le=300,
        description="`broker serve`: how long /readyz answers 503 before the server stops.",
    )
    stop_seconds: int = Field(
        default=10,
        ge=1,
        le=300,
        description="`broker serve`, `broker background`, `broker worker`: how long work may take "
        "to finish.",
    )
    drain_file: OptionalPath = Field(
        default=None,
        description="While this file exists, /readyz answers 503. `broker serve` sets it.",
    )
    public_max_age: int = Field(
        default=10,
        ge=0,
        le=86400,
        description="For how many seconds a CDN may show a public read to readers without a token; "
        "0: not at all.",
    )
    rate_limit_storage_url: StorageUrl = Field(
        default=None,
        description="Redis or Valkey that counts requests. Without it there are no rate limits.",
    )
    rate_limit_user: Rate = Field(
        default="600/minute", description="Requests of a user; empty for no limit."
    )
    rate_limit_tickets: Rate = Field(
        default="120/minute", description="Of these, requests for tickets; a batch counts as one."
    )
    rate_limit_address: Rate = Field(
        default="3000/minute",
        description="Requests from an address, or from a /64 network of IPv6.",
    )
    rate_limit_guesses: Rate = Field(
        default="60/minute",
        description="Of these, requests with an invalid token, secret or Uppy endpoint.",
    )
    quota_window: int = Field(
        default=Limits.quota_window,
        ge=60,
        le=31_622_400,
        description="How long reserved bytes and files count toward a quota.",
    )
    quota_bytes: int = Field(
        default=Limits.quota_bytes,
        ge=0,
        le=2**53,
        description="Bytes that a user may reserve in that time; 0 for no limit.",
    )
    quota_files: int = Field(
        default=Limits.quota_files,
        ge=0,
        le=2**31,
        description="Files that a user may reserve in that time; 0 for no limit.",
    )
    trusted_proxies: Proxies = Field(
        default=(),
        description="Proxies to trust for X-Forwarded-For: addresses, networks; `unix`: a socket.",
    )
    allowed_hosts: Hosts = Field(
        default=(),
        description="Hosts that the API accepts, in addition to the host of BROKER_PUBLIC_URL.",
    )
    hsts_seconds: int = Field(
        default=0,
        ge=0,
        description="max-age of Strict-Transport-Security, if a proxy terminates TLS.",
    )
    statement_timeout: int = Field(
        default=10,
        ge=0,
        le=3600,
        description="PostgreSQL: maximum time of a statement in a request; 0 for no limit.",
    )
