"""Runs ingest: ``python -m spikewatch.ingest``."""

from spikewatch.chassis.runtime import run
from spikewatch.ingest.app import build
from spikewatch.ingest.settings import IngestSettings

if __name__ == "__main__":
    run("ingest", IngestSettings, build)
