"""Pages of a list (AIP-158): sizes are coerced, tokens are opaque and belong to one query."""

import binascii
import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from spikewatch.directory.domain.refusals import InvalidFields

__all__ = ["DEFAULT_SIZE", "LARGEST_SIZE", "page_size", "read_token", "write_token"]

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 1_000  # more would come near the largest message


def page_size(wanted: int) -> int:
    """Return how many records a page holds: 0 gives the default, too many the largest.

    Raises:
        InvalidFields: it is negative.
    """
    if wanted < 0:
        raise InvalidFields.of("page_size", "is negative", "0 for the default, or a positive number", str(DEFAULT_SIZE))
    return min(wanted or DEFAULT_SIZE, LARGEST_SIZE)


def _query(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def write_token(after: str, *query: str) -> str:
    """Return the token for the page after the record of this name."""
    return urlsafe_b64encode(json.dumps([after, _query(*query)]).encode()).decode().rstrip("=")


def read_token(token: str, *query: str) -> str:
    """Return the name after which the page begins; empty for the first page.

    Raises:
        InvalidFields: the token is not ours, or belongs to another parent or filter.
    """
    if not token:
        return ""
    refusal = InvalidFields.of(
        "page_token", "is not a token of this list", "the next_page_token of the page before, same parent and filter"
    )
    try:
        parts = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise refusal from None
    if not (isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str) and parts[1] == _query(*query)):
        raise refusal
    return parts[0]
