"""Settings of the enrichment service."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from spikewatch.chassis.settings import ChassisSettings

__all__ = ["EnrichmentSettings"]


class EnrichmentSettings(ChassisSettings):
    """What enrichment needs besides the chassis."""

    enrichment_geography: Path | None = Field(
        default=None,
        description="Folder of GeoJSON files with areas; without counties in it the packaged US counties and ZIP codes are added.",
        examples=["/etc/spikewatch/geography"],
    )
    enrichment_geodata: Path | None = Field(
        default=None,
        description="Index of streets made by spikewatch geodata build, or a folder of *.geoindex files; without one addresses stay unplaced.",
        examples=["/etc/spikewatch/geodata/cedar.geoindex"],
    )
    enrichment_retention: timedelta = Field(
        default=timedelta(days=400),
        ge=timedelta(days=1),
        description="How long after its arrival a report takes part in matching (ISO 8601).",
        examples=["P400D"],
    )
