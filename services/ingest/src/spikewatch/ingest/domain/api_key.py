"""API keys of agencies: shown once, kept only as a hash."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

__all__ = ["ApiKey", "digest_of", "new_key"]

_SECRET_BYTES = 32  # 256 bits: no dictionary attack, so a plain fast hash at rest is enough
_ID_BYTES = 6
# For example swk_3f9a1c2b4d5e_mFV0…: the prefix lets secret scanners find a leaked key.
_SHAPE = re.compile(r"^swk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key."""

    key_id: str
    agency_id: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None = None


def new_key(agency: str, *, now: datetime, entropy: Callable[[int], bytes]) -> tuple[str, ApiKey]:
    """Return the key's text, which is shown once, and what is kept of it."""
    key_id = entropy(_ID_BYTES).hex()
    secret = base64.urlsafe_b64encode(entropy(_SECRET_BYTES)).rstrip(b"=").decode()
    text = f"swk_{key_id}_{secret}"
    return text, ApiKey(key_id=key_id, agency_id=agency, digest=hashlib.sha256(text.encode()).digest(), created_at=now)


def digest_of(text: str) -> bytes | None:
    """Return the hash under which a key is kept, or None when the text cannot be a key at all."""
    return hashlib.sha256(text.encode()).digest() if _SHAPE.match(text) else None
