"""Settings of the service, all from the environment."""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from spikewatch.chassis.settings import ChassisSettings

__all__ = ["AlertsSettings"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "[::1]", "localhost"})


class AlertsSettings(ChassisSettings):
    """What the alerts service needs beside the chassis."""

    alerts_rules: Path | None = Field(default=None, description="YAML file of rules; without it the shipped rules apply.")
    alerts_definitions_file: Path | None = Field(
        default=None, description="YAML file of the case definitions that rules may name, as ingest has it; without it the shipped ones."
    )
    alerts_clock: Literal["wall", "event"] = Field(
        default="wall", description="What closes a quiet alert: the wall clock (live), or the newest event time seen (replays)."
    )
    alerts_close_seconds: float = Field(default=10.0, gt=0, description="How often quiet alerts are looked for and closed.")
    alerts_scan_seconds: float = Field(
        default=3600.0, ge=60, le=86_400, description="How often clusters in space and time are looked for, by rules that scan."
    )
    alerts_cached_overdoses: int = Field(
        default=5_000_000, ge=1_000, description="Overdoses held in memory over all areas at most; sixteen bytes each."
    )
    alerts_directory_address: str | None = Field(
        default=None, description="Directory's gRPC address as host:port; without it alerts name no contacts.", examples=["127.0.0.1:50051"]
    )
    alerts_directory_token: SecretStr | None = Field(default=None, description="Bearer token for the directory.")
    alerts_directory_timeout_seconds: float = Field(
        default=0.5, gt=0, le=5, description="How long one question to the directory may take; then the last known answer stands."
    )
    alerts_contacts_ttl_seconds: float = Field(default=60.0, gt=0, description="How long an answer of the directory is used again.")
    alerts_host: str = Field(default="127.0.0.1", description="Address of the gRPC port.")
    alerts_port: int = Field(default=0, ge=0, le=65535, description="gRPC port; 0 chooses a free one.", examples=[50052])
    alerts_token: SecretStr | None = Field(default=None, description="Bearer token that each call must carry; none on loopback only.")
    alerts_reflection: bool = Field(default=True, description="Whether clients may ask for the contract; off in production.")

    @model_validator(mode="after")
    def _needs_a_token_beyond_this_machine(self) -> Self:
        if self.alerts_token is None and self.alerts_host not in _LOOPBACK:
            raise ValueError("SPIKEWATCH_ALERTS_TOKEN must be set when SPIKEWATCH_ALERTS_HOST is not a loopback address")
        return self
