"""``python -m spikewatch.cli`` is the command ``spikewatch``."""

import sys

from spikewatch.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
