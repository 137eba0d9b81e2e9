"""The master secret of a local stack's ingest: made once, kept in the stack's folder for its owner alone."""

import base64
import os
import secrets
from pathlib import Path
from typing import Final

__all__ = ["seal_key"]

_NAME: Final = "seal.key"
_BYTES: Final = 32  # what ingest's key derivation takes


def seal_key(folder: Path) -> str:
    """Return the folder's secret as base64; a new one at the first call."""
    path = folder / _NAME
    if not path.exists():
        # O_EXCL and 0600 from the first byte: nobody else can have read or placed it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii"))
    return path.read_text(encoding="ascii").strip()
