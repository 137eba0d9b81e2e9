"""The folder that keeps what was downloaded, shared by all stacks of one account."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return ``SPIKEWATCH_CACHE``, else ``spikewatch`` in the account's cache folder (XDG)."""
    given = os.environ.get("SPIKEWATCH_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikewatch"
