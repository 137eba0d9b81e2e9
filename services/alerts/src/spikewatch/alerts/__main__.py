"""``python -m spikewatch.alerts`` runs the service."""

from spikewatch.alerts.app import build
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.chassis.runtime import run

if __name__ == "__main__":
    run("alerts", AlertsSettings, build)
