"""Settings of the MLLP listener. MLLP knows no keys: whoever reaches the port may send, so it is off until somebody asks for it."""

import ipaddress
import re

from pydantic import Field, ValidationInfo, field_validator

from spikewatch.chassis.settings import ChassisSettings

__all__ = ["MllpSettings", "is_loopback"]

_AGENCY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NOT_AN_AGENCY = "is no agency id: lower-case letters, digits and hyphens, for example cedar-hospital"


class MllpSettings(ChassisSettings):
    """Where the listener is, who may send to it, and how much."""

    ingest_mllp_host: str = Field(default="127.0.0.1", description="Address of the MLLP listener.")
    ingest_mllp_tls_cert_file: str | None = Field(
        default=None, description="PEM certificate chain of the MLLP listener; with it it speaks TLS."
    )
    ingest_mllp_tls_key_file: str | None = Field(default=None, validate_default=True, description="PEM key of that certificate.")
    ingest_mllp_tls_client_ca_file: str | None = Field(
        default=None,
        validate_default=True,
        description="PEM certificates of those who may issue client certificates; with it every sender needs one.",
    )
    ingest_mllp_tls_ends_before: bool = Field(
        default=False, description="TLS or a VPN ends before it: plain MLLP is served on any address."
    )
    ingest_mllp_agency: str | None = Field(default=None, description="Agency of every message whose facility is not among the senders.")
    ingest_mllp_senders: dict[str, str] = Field(
        default_factory=dict, description="Agency by sending facility (MSH-4: its name or its id), as a JSON object."
    )
    ingest_mllp_port: int | None = Field(
        default=None, ge=0, le=65535, validate_default=True, description="Port of the MLLP listener; unset: none; 0 chooses a free one."
    )
    ingest_mllp_max_connections: int = Field(default=64, ge=1, description="MLLP connections at once; one more is closed.")
    ingest_mllp_idle_seconds: float = Field(default=300.0, gt=0, description="How long an MLLP connection may stay without a message.")
    ingest_mllp_message_seconds: float = Field(
        default=30.0, gt=0, description="How long an MLLP message may take, and its answer to be read."
    )

    @field_validator("ingest_mllp_tls_key_file")
    @classmethod
    def _has_both_mllp_files(cls, key: str | None, known: ValidationInfo) -> str | None:
        if (known.data.get("ingest_mllp_tls_cert_file") is None) != (key is None):
            raise ValueError("belongs together with the certificate file: set both or none")
        return key

    @field_validator("ingest_mllp_tls_client_ca_file")
    @classmethod
    def _has_a_certificate(cls, authority: str | None, known: ValidationInfo) -> str | None:
        if authority is not None and known.data.get("ingest_mllp_tls_cert_file") is None:
            raise ValueError("needs the listener's own certificate file too")
        return authority

    @field_validator("ingest_mllp_agency")
    @classmethod
    def _is_an_agency(cls, agency: str | None) -> str | None:
        if agency is not None and not _AGENCY.fullmatch(agency):
            raise ValueError(_NOT_AN_AGENCY)
        return agency

    @field_validator("ingest_mllp_senders")
    @classmethod
    def _are_agencies(cls, senders: dict[str, str]) -> dict[str, str]:
        for facility, agency in senders.items():
            if not _AGENCY.fullmatch(agency):
                raise ValueError(f"the value of a facility {_NOT_AN_AGENCY}")
            if not facility.strip():
                raise ValueError("names an empty facility: write the name or the id that stands in MSH-4")
        if len({facility.strip().casefold() for facility in senders}) != len(senders):
            raise ValueError("names a facility twice (case does not matter)")
        return {facility.strip().casefold(): agency for facility, agency in senders.items()}

    @field_validator("ingest_mllp_port")
    @classmethod
    def _is_whose_and_safe(cls, port: int | None, known: ValidationInfo) -> int | None:
        if port is None:
            return port
        if known.data.get("ingest_mllp_agency") is None and not known.data.get("ingest_mllp_senders"):
            raise ValueError("is set, but nobody may send: set ingest_mllp_agency or ingest_mllp_senders")
        is_plain = known.data.get("ingest_mllp_tls_cert_file") is None and not known.data.get("ingest_mllp_tls_ends_before")
        if is_plain and not is_loopback(known.data.get("ingest_mllp_host", "")):
            raise ValueError(
                "the MLLP host is not loopback: set the MLLP TLS files, or ingest_mllp_tls_ends_before where a VPN protects it"
            )
        return port


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
