"""Settings from the environment only: validated at start, every problem told at once, secrets masked."""

import sys
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ChassisSettings", "load", "masked"]

S = TypeVar("S", bound="ChassisSettings")
_PREFIX = "SPIKEWATCH_"


class ChassisSettings(BaseSettings):
    """What every service needs. Telemetry is set by the standard ``OTEL_*`` variables alone."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True, env_ignore_empty=True, populate_by_name=True)

    kafka_bootstrap: str = Field(description="Kafka brokers as host:port, comma-separated.", examples=["127.0.0.1:9092"])
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(default="PLAINTEXT", description="Listener protocol.")
    kafka_username: str | None = Field(default=None, description="SCRAM user, with SASL.")
    kafka_password: SecretStr | None = Field(default=None, description="SCRAM password, with SASL.")
    kafka_ca_file: str | None = Field(default=None, description="PEM file of the certificate authority, with SSL.")
    mongodb_uri: SecretStr = Field(description="MongoDB connection string.", examples=["mongodb://127.0.0.1:27017/?replicaSet=rs0"])
    mongodb_database: str | None = Field(default=None, description="Database name; default spikewatch_<service>.")
    health_host: str = Field(default="127.0.0.1", description="Address of the health port.")
    health_port: int = Field(default=0, ge=0, le=65535, description="Health port; 0 chooses a free one.")
    instance: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")] = Field(default="local", description="Name of this instance.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least severe line that is logged.")
    log_format: Literal["json", "text"] = Field(default="json", description="One JSON object a line, or text for people.")
    batch_records: int = Field(default=5_000, ge=1, le=10_000, description="Records in one batch at most.")
    max_record_bytes: int = Field(default=1_048_576, ge=1024, description="A larger value is dead-lettered unread.")
    retry_seconds: float = Field(default=60.0, gt=0, le=240, description="How long one batch is retried before it is handed back to Kafka.")
    circuit_ratio: float = Field(default=0.5, gt=0, le=1, description="Share of dead letters among recent records that opens the circuit.")
    circuit_records: int = Field(default=1_000, ge=10, description="How many recent records that share is taken over.")
    circuit_pause_seconds: float = Field(default=30.0, gt=0, description="How long an open circuit pauses before it tries one batch.")
    drain_seconds: float = Field(default=20.0, gt=0, description="How long a stop waits for the work in hand.")
    stuck_seconds: float = Field(default=60.0, gt=0, description="No progress for so long makes liveness fail.")


def load(settings: type[S]) -> S:
    """Read the settings from the environment, or end the process with status 2 and all problems listed.

    Raises:
        SystemExit: a setting is missing or wrong.
    """
    try:
        return settings()
    except ValidationError as error:
        _explain(settings, error)


def _explain(settings: type[ChassisSettings], error: ValidationError) -> NoReturn:
    prefix = str(settings.model_config.get("env_prefix", _PREFIX))
    lines = [f"{len(error.errors())} setting(s) are missing or wrong:"]
    for problem in error.errors(include_input=False, include_url=False):
        if not problem["loc"]:  # found by a check over several settings: its message names them
            lines.append(f"  {problem['msg']}")
            continue
        name = str(problem["loc"][0])
        field = settings.model_fields.get(name.lower().removeprefix(prefix.lower()))
        variable = name.upper() if name.upper().startswith(_PREFIX) else (prefix + name).upper()
        hint = f" ({field.description})" if field is not None and field.description else ""
        example = f" For example {variable}={field.examples[0]}" if field is not None and field.examples else ""
        lines.append(f"  {variable}: {problem['msg']}{hint}{example}")
    sys.stderr.write("\n".join(lines) + "\n")
    raise SystemExit(2)


def masked(settings: ChassisSettings) -> dict[str, object]:
    """Return all settings for printing; secrets show as asterisks."""
    return {name: str(value) if isinstance(value, SecretStr) else value for name, value in settings.model_dump().items()}
