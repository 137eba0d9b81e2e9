"""Settings of the enrichment service."""

from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from spikewatch.chassis.settings import ChassisSettings
from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.weights import WrongWeights

__all__ = ["EnrichmentSettings"]

_LEAST_KEY = 16
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "[::1]", "localhost"})


class EnrichmentSettings(ChassisSettings):
    """What enrichment needs besides the chassis."""

    enrichment_geography: Path | None = Field(
        default=None,
        description="Folder of GeoJSON files with areas; without counties in it the packaged US counties and ZIP codes are added.",
        examples=["/etc/spikewatch/geography"],
    )
    enrichment_geodata: Path | None = Field(
        default=None,
        description="Index of streets made by spikewatch geodata build, or a folder of them; without one addresses stay unplaced.",
        examples=["/etc/spikewatch/geodata/cedar.geoindex"],
    )
    enrichment_weights: str = Field(
        default=LEARNT,
        description=f"Weights by which reports are matched: {LEARNT}, {NEUTRAL}, or a file that spikewatch match learn wrote. "
        "The same for every instance.",
        examples=["/etc/spikewatch/weights.json"],
    )
    enrichment_public_key: SecretStr | None = Field(
        default=None,
        description="Secret of the public points, at least 16 characters; without it incidents carry none. Another key draws every point "
        "again, and each change tells an onlooker more: keep it.",
        examples=["$(head -c 32 /dev/urandom | base64)"],
    )
    enrichment_census: Path | None = Field(
        default=None,
        validate_default=True,
        description="For public points: CSV of counties (county_fips, population) or of households (county_fips, lat, lon).",
        examples=["/etc/spikewatch/census.csv"],
    )
    enrichment_host: str = Field(default="127.0.0.1", description="Address of the port at which matches are reviewed.")
    enrichment_port: int = Field(default=0, ge=0, le=65535, description="Its port; 0 chooses a free one.", examples=[8081])
    enrichment_token: SecretStr | None = Field(
        default=None, description="Bearer token that each reviewer's call must carry; none on loopback only."
    )
    enrichment_retention: timedelta = Field(
        default=timedelta(days=400),
        ge=timedelta(days=1),
        description="How long after its arrival a report takes part in matching (ISO 8601).",
        examples=["P400D"],
    )

    @field_validator("enrichment_weights")
    @classmethod
    def _can_be_used(cls, name: str) -> str:
        try:
            load_weights(name)
        except WrongWeights as error:
            raise ValueError(str(error)) from None
        return name

    @field_validator("enrichment_public_key")
    @classmethod
    def _is_long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _LEAST_KEY:
            raise ValueError(f"is shorter than {_LEAST_KEY} characters")
        return key

    @model_validator(mode="after")
    def _needs_a_token_beyond_this_machine(self) -> Self:
        if self.enrichment_token is None and self.enrichment_host not in _LOOPBACK:
            raise ValueError("SPIKEWATCH_ENRICHMENT_TOKEN must be set when SPIKEWATCH_ENRICHMENT_HOST is not a loopback address")
        return self

    @field_validator("enrichment_census")
    @classmethod
    def _belongs_to_a_key(cls, census: Path | None, known: ValidationInfo) -> Path | None:
        if (known.data.get("enrichment_public_key") is None) != (census is None):
            raise ValueError("belongs together with the key of the public points: set both or none")
        return census
