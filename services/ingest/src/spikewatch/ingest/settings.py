"""Settings of ingest."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from spikewatch.ingest.domain.seal import master_secret
from spikewatch.ingest.mllp_settings import MllpSettings, is_loopback

__all__ = ["IngestSettings"]

_HEADROOM = 16_384  # a record is its body, the seal and the headers


class IngestSettings(MllpSettings):
    """What ingest needs beside what every service needs."""

    max_record_bytes: int = Field(default=1_114_112, ge=1024, description="A larger value is dead-lettered unread.")
    ingest_host: str = Field(default="127.0.0.1", description="Address of the gateway.")
    ingest_port: int = Field(default=8080, ge=0, le=65535, description="Port of the gateway; 0 chooses a free one.")
    ingest_tls_cert_file: str | None = Field(default=None, description="PEM certificate chain of the gateway; with it it speaks HTTPS.")
    ingest_tls_key_file: str | None = Field(default=None, validate_default=True, description="PEM key of that certificate.")
    ingest_tls_ends_before: bool = Field(
        default=False, validate_default=True, description="TLS ends at a proxy: plain HTTP is served on any address."
    )
    ingest_max_body_bytes: int = Field(default=1_048_576, validate_default=True, ge=1024, description="A larger body is refused with 413.")
    ingest_max_records: int = Field(default=10_000, ge=1, description="Records in one submission at most.")
    ingest_seal_key: SecretStr = Field(
        description="Master secret of all seals: base64 of 32 random bytes.", examples=["$(head -c 32 /dev/urandom | base64)"]
    )
    ingest_hash_key: SecretStr | None = Field(
        default=None,
        description="Secret of all keyed hashes, such as ids of records: base64 of 32 bytes. Without it the seal key; after a change of "
        "the seal key give the former one here, so that ids stay.",
    )
    ingest_accept_unsealed: bool = Field(default=False, description="Take Kafka records without a seal on their word.")
    ingest_agency_patience_seconds: float = Field(
        default=2.0, ge=0, description="How long a sealed record waits for its agency to be known."
    )
    ingest_key_fresh_seconds: float = Field(default=30.0, ge=0, description="How long an API key is not looked up again.")
    ingest_key_stale_seconds: float = Field(default=3600.0, ge=0, description="How old a look-up may be while the database is away.")
    ingest_publish_seconds: float = Field(default=10.0, gt=0, description="How long a request waits for the broker before 503.")
    ingest_body_seconds: float = Field(default=30.0, gt=0, description="How long a request may take to send its body.")
    ingest_vocabulary_file: str | None = Field(default=None, description="YAML file of the drug vocabulary; without it the shipped one.")
    ingest_definitions_file: str | None = Field(default=None, description="YAML file of the case definitions; without it the shipped ones.")
    ingest_nemsis_schemas: str | None = Field(
        default=None, description="Folder with the NEMSIS EMS schema files: every NEMSIS record is checked against them."
    )
    ingest_receipt_days: int = Field(default=90, ge=1, description="How long an agency can look up a submission.")
    ingest_revision_days: int = Field(default=400, ge=1, description="How long a resend is recognised as a duplicate or a revision.")

    # One check a field, not one of the whole model: so every problem is told at once, each with its variable.
    @field_validator("ingest_seal_key", "ingest_hash_key")
    @classmethod
    def _is_a_secret(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            master_secret(key.get_secret_value())
        return key

    @field_validator("ingest_tls_key_file")
    @classmethod
    def _has_both_files(cls, key: str | None, known: ValidationInfo) -> str | None:
        if (known.data.get("ingest_tls_cert_file") is None) != (key is None):
            raise ValueError("belongs together with the certificate file: set both or none")
        return key

    @field_validator("ingest_tls_ends_before")
    @classmethod
    def _is_never_plain_by_accident(cls, ends_before: bool, known: ValidationInfo) -> bool:  # noqa: FBT001  # pydantic's signature
        if known.data.get("ingest_tls_cert_file") is None and not ends_before and not is_loopback(known.data.get("ingest_host", "")):
            raise ValueError("the host is not loopback: set the TLS files, or true here when a proxy speaks TLS")
        return ends_before

    @field_validator("ingest_max_body_bytes")
    @classmethod
    def _fits_in_a_record(cls, body_bytes: int, known: ValidationInfo) -> int:
        if body_bytes + _HEADROOM > known.data.get("max_record_bytes", body_bytes + _HEADROOM):
            raise ValueError(f"must stay {_HEADROOM} below max_record_bytes")
        return body_bytes
