"""Submission ids that prove by themselves that they were issued to an agency.

A UUIDv8: 74 bits that make it unique, then 48 bits of an HMAC over them and the agency. So an id can be told from an
invented one without a database write before the 202.
"""

import hashlib
import hmac
from collections.abc import Callable
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["SubmissionIds"]

_TAG_BYTES = 6  # 2^48 guesses, each an authenticated request, only to learn "accepted" instead of 404
_UNIQUE_BYTES = 16 - _TAG_BYTES


class SubmissionIds:
    """Issues and checks submission ids.

    Args:
        secret: the master secret (32 bytes).
        entropy: gives so many random bytes.
    """

    def __init__(self, secret: bytes, entropy: Callable[[int], bytes]) -> None:
        self._key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"spikewatch submission id").derive(secret)
        self._entropy = entropy

    def issue(self, agency: str, idempotency_key: str | None = None) -> UUID:
        """Return a new id; the same agency and idempotency key always give the same one."""
        if idempotency_key is None:
            unique = self._entropy(_UNIQUE_BYTES)
        else:
            unique = self._mac(b"key", agency, idempotency_key.encode())[:_UNIQUE_BYTES]
        shaped = bytearray(unique)
        shaped[6] = (shaped[6] & 0x0F) | 0x80  # version 8
        shaped[8] = (shaped[8] & 0x3F) | 0x80  # the RFC 9562 variant
        return UUID(bytes=bytes(shaped) + self._mac(b"id", agency, bytes(shaped))[:_TAG_BYTES])

    def issued(self, agency: str, submission: UUID) -> bool:
        """Tell whether the id was issued to this agency."""
        unique, tag = submission.bytes[:_UNIQUE_BYTES], submission.bytes[_UNIQUE_BYTES:]
        return hmac.compare_digest(self._mac(b"id", agency, unique)[:_TAG_BYTES], tag)

    def _mac(self, kind: bytes, agency: str, body: bytes) -> bytes:
        return hmac.digest(self._key, b"\x1f".join((kind, agency.encode(), body)), hashlib.sha256)
