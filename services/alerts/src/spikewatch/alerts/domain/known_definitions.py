"""Which case definitions a rule may ask for: one that nobody writes would count nothing, in silence."""

from collections.abc import Mapping
from difflib import get_close_matches

from spikewatch.contracts.case_definitions import split_definition

__all__ = ["in_words", "unknown"]


def unknown(name: str, known: Mapping[str, int]) -> str | None:
    """Return why no report can meet a definition (an id, or id@n), or None. ``known`` holds each id's newest version.

    Older versions may be asked for: reports that nobody reclassified carry them.
    """
    ident, version = split_definition(name)
    newest = known.get(ident)
    if newest is None:
        near = get_close_matches(ident, known, n=1)
        expected = f"did you mean {near[0]}? Expected" if near else "expected"
        return (
            f"is no case definition that is known; {expected} {', '.join(sorted(known))}. "
            "Definitions of your own are told by --definitions and SPIKEWATCH_ALERTS_DEFINITIONS_FILE"
        )
    if version is not None and version > newest:
        return f"is a version that does not exist; expected {ident} (any version) or {ident}@{newest}"
    return None


def in_words(name: str) -> str:
    """Return a definition as it is read aloud: ``opioid``, or ``opioid (version 1)``."""
    ident, version = split_definition(name)
    return ident if version is None else f"{ident} (version {version})"
