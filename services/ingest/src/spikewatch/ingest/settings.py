"""Settings of ingest."""

import ipaddress
from typing import Self

from pydantic import Field, SecretStr, model_validator

from spikewatch.chassis.settings import ChassisSettings
from spikewatch.ingest.domain.seal import master_secret

__all__ = ["IngestSettings"]

_HEADROOM = 16_384  # a record is its body, the seal and the headers


class IngestSettings(ChassisSettings):
    """What ingest needs beside what every service needs."""

    max_record_bytes: int = Field(default=1_114_112, ge=1024, description="A larger value is dead-lettered unread.")
    ingest_host: str = Field(default="127.0.0.1", description="Address of the gateway.")
    ingest_port: int = Field(default=8080, ge=0, le=65535, description="Port of the gateway; 0 chooses a free one.")
    ingest_tls_cert_file: str | None = Field(default=None, description="PEM certificate chain of the gateway; with it it speaks HTTPS.")
    ingest_tls_key_file: str | None = Field(default=None, description="PEM key of that certificate.")
    ingest_tls_ends_before: bool = Field(default=False, description="TLS ends at a proxy: plain HTTP is served on any address.")
    ingest_max_body_bytes: int = Field(default=1_048_576, ge=1024, description="A larger body is refused with 413.")
    ingest_max_records: int = Field(default=10_000, ge=1, description="Records in one submission at most.")
    ingest_seal_key: SecretStr = Field(
        description="Master secret of all seals: base64 of 32 random bytes.", examples=["$(head -c 32 /dev/urandom | base64)"]
    )
    ingest_accept_unsealed: bool = Field(default=False, description="Take Kafka records without a seal on their word.")
    ingest_agency_patience_seconds: float = Field(
        default=2.0, ge=0, description="How long a sealed record waits for its agency to be known."
    )
    ingest_key_fresh_seconds: float = Field(default=30.0, ge=0, description="How long an API key is not looked up again.")
    ingest_key_stale_seconds: float = Field(default=3600.0, ge=0, description="How old a look-up may be while the database is away.")
    ingest_publish_seconds: float = Field(default=10.0, gt=0, description="How long a request waits for the broker before 503.")
    ingest_body_seconds: float = Field(default=30.0, gt=0, description="How long a request may take to send its body.")
    ingest_receipt_days: int = Field(default=90, ge=1, description="How long an agency can look up a submission.")
    ingest_revision_days: int = Field(default=400, ge=1, description="How long a resend is recognised as a duplicate or a revision.")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = []
        try:
            master_secret(self.ingest_seal_key.get_secret_value())
        except ValueError as error:
            problems.append(f"ingest_seal_key {error}")
        if (self.ingest_tls_cert_file is None) != (self.ingest_tls_key_file is None):
            problems.append("ingest_tls_cert_file and ingest_tls_key_file belong together")
        if self.ingest_tls_cert_file is None and not self.ingest_tls_ends_before and not _is_loopback(self.ingest_host):
            problems.append("ingest_host is not loopback: set the TLS files, or ingest_tls_ends_before when a proxy speaks TLS")
        if self.ingest_max_body_bytes + _HEADROOM > self.max_record_bytes:
            problems.append(f"max_record_bytes must exceed ingest_max_body_bytes by {_HEADROOM}")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
