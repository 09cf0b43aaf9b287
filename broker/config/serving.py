"""Settings of an API that strangers reach: how it is served, whom it believes, what it bounds."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.config.values import Hosts, OptionalPath, Proxies, Rate, StorageUrl
from broker.domain.limits import Limits

PREFIX = "BROKER_"


class ServingSettings(BaseSettings):
    """Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    drain_seconds: int = Field(
        default=5,
        ge=0,
        le=300,
        description="`broker serve`: how long /readyz says 503 before the server stops to listen.",
    )
    stop_seconds: int = Field(
        default=10,
        ge=1,
        le=300,
        description="`broker serve`: how long requests under way may take to end after that.",
    )
    drain_file: OptionalPath = Field(
        default=None,
        description="While this file is there, /readyz says 503; `broker serve` sets it itself.",
    )
    rate_limit_storage_url: StorageUrl = Field(
        default=None,
        description="Redis or Valkey that counts requests; there are no rate limits without it.",
    )
    rate_limit_user: Rate = Field(
        default="600/minute", description="Requests of one user; empty for no limit."
    )
    rate_limit_tickets: Rate = Field(
        default="120/minute", description="Of these, requests for tickets; a batch is one."
    )
    rate_limit_address: Rate = Field(
        default="3000/minute", description="Requests from one address, or from one /64 of IPv6."
    )
    rate_limit_guesses: Rate = Field(
        default="60/minute",
        description="Of these, requests with a token, secret or Uppy endpoint that is not ours.",
    )
    quota_window: int = Field(
        default=Limits.quota_window,
        ge=60,
        le=31_622_400,
        description="How long what a user reserves counts.",
    )
    quota_bytes: int = Field(
        default=Limits.quota_bytes,
        ge=0,
        le=2**53,
        description="Bytes that one user may reserve in that time; 0 for no limit.",
    )
    quota_files: int = Field(
        default=Limits.quota_files,
        ge=0,
        le=2**31,
        description="Files that one user may reserve in that time; 0 for no limit.",
    )
    trusted_proxies: Proxies = Field(
        default=(),
        description="Addresses and networks whose X-Forwarded-For is believed; `unix`: a socket's.",
    )
    allowed_hosts: Hosts = Field(
        default=(),
        description="Hosts that the API answers to; that of BROKER_PUBLIC_URL always is one.",
    )
    hsts_seconds: int = Field(
        default=0, ge=0, description="Strict-Transport-Security, where TLS ends before the broker."
    )
    statement_timeout: int = Field(
        default=10,
        ge=0,
        le=3600,
        description="PostgreSQL: how long a statement of a request may take; 0 for no limit.",
    )
