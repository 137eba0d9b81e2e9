"""The seal around a submission: nobody without the agency's key can read it, and what opens under that key is the agency's.

AES-256-GCM under a key derived by HKDF-SHA256 from one master secret, the kind of the seal and the agency's id.
"""

import base64
import binascii
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["HEADER", "Broken", "Kind", "RecordKeys", "Seals", "fingerprint", "master_secret", "names_key"]

HEADER: Final = "spikewatch-seal"
_KEY_BYTES = 32
_NONCE_BYTES = 12  # what GCM is specified for; longer ones are hashed and weaken the bound
_TAG_BYTES = 16
_KEYS_HELD = 4096  # derived keys kept in memory: more than any state has agencies


class Kind(StrEnum):
    """Who sealed: each kind has keys of its own, so that one can never pass as the other."""

    GATEWAY = "g1"
    AGENCY = "a1"
    QUARANTINE = "q1"
    """Hides a whole record that may not be read where it waits; opening it proves nothing."""


class Broken(ValueError):  # noqa: N818  # named by what it says of the seal
    """The seal does not open under this agency's key: another key, another agency, or changed on the way."""


def master_secret(text: str) -> bytes:
    """Read the master secret from base64.

    Raises:
        ValueError: it is not base64 of exactly 32 bytes.
    """
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(secret) != _KEY_BYTES:
        raise ValueError("is not base64 of exactly 32 bytes")
    return secret


def fingerprint(secret: bytes) -> str:
    """Return what tells two master secrets apart and gives neither away."""
    return HKDF(SHA256(), length=16, salt=None, info=b"spikewatch seal fingerprint").derive(secret).hex()


def names_key(secret: bytes) -> bytes:
    """Return the key under which names of substances that the vocabulary does not list are hashed."""
    return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"spikewatch unlisted names").derive(secret)


class RecordKeys:
    """Gives each agency the key under which the ids of its records are hashed: the same number of two agencies gives two ids.

    Args:
        secret: the secret of all keyed hashes; another one gives other ids.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.of = lru_cache(maxsize=_KEYS_HELD)(self._derived)

    def _derived(self, agency: str) -> bytes:
        return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=f"spikewatch record ids {agency}".encode()).derive(self._secret)


class Seals:
    """Seals and opens with the keys derived from one master secret.

    Args:
        secret: 32 bytes.
        entropy: gives so many random bytes, for nonces.
    """

    def __init__(self, secret: bytes, entropy: Callable[[int], bytes]) -> None:
        self._secret = secret
        self._entropy = entropy
        self._cipher = lru_cache(maxsize=_KEYS_HELD)(self._derive_cipher)

    def key(self, kind: Kind, agency: str) -> bytes:
        """Return an agency's key of one kind (32 bytes)."""
        info = f"spikewatch submission seal {kind.value} {agency}".encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._secret)

    def seal(self, kind: Kind, agency: str, body: bytes, *, ce_id: str, ce_source: str, content_type: str) -> bytes:
        """Return nonce and ciphertext; the three attributes are bound, so a sealed body fits no other record."""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._cipher(kind, agency).encrypt(nonce, body, _bound(ce_id, ce_source, content_type))

    def open(self, kind: Kind, agency: str, sealed: bytes, *, ce_id: str, ce_source: str, content_type: str) -> bytes:
        """Return the body.

        Raises:
            Broken: it does not open.
        """
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            raise Broken("shorter than a seal")
        try:
            return self._cipher(kind, agency).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(ce_id, ce_source, content_type))
        except InvalidTag:
            raise Broken("does not open under the agency's key") from None

    def _derive_cipher(self, kind: Kind, agency: str) -> AESGCM:
        return AESGCM(self.key(kind, agency))


def _bound(ce_id: str, ce_source: str, content_type: str) -> bytes:
    # Lengths first: ("a", "bc") and ("ab", "c") must not bind alike.
    parts = [part.encode() for part in (ce_id, ce_source, content_type)]
    return b"".join(len(part).to_bytes(4) + part for part in parts)
