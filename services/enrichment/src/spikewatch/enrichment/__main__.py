"""Runs the enrichment service."""

from spikewatch.chassis.runtime import run
from spikewatch.enrichment.app import build
from spikewatch.enrichment.settings import EnrichmentSettings

if __name__ == "__main__":
    run("enrichment", EnrichmentSettings, build)
