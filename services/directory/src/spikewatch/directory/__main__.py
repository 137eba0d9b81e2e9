"""``python -m spikewatch.directory`` runs the service."""

from spikewatch.chassis.runtime import run
from spikewatch.directory.app import build
from spikewatch.directory.settings import DirectorySettings

if __name__ == "__main__":
    run("directory", DirectorySettings, build)
