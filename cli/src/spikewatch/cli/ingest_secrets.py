"""The secrets of ingest, as the environment of the command line names them. No text of an error holds one."""

import os
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.ingest.domain.seal import master_secret

__all__ = ["HASH_KEY", "SEAL_KEY", "hash_secret"]

SEAL_KEY: Final = "SPIKEWATCH_INGEST_SEAL_KEY"
HASH_KEY: Final = "SPIKEWATCH_INGEST_HASH_KEY"


def hash_secret() -> bytes | None:
    """Return the secret of ingest's keyed hashes: the hash key where one is set, else the seal key; None without either.

    Raises:
        CannotRun: it is no key.
    """
    for name in (HASH_KEY, SEAL_KEY):
        if text := os.environ.get(name):
            try:
                return master_secret(text)
            except ValueError as error:
                raise CannotRun(f"{name} {error}") from None
    return None
