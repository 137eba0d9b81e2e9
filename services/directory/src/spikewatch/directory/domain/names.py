"""Resource names (AIP-122): what kinds of record there are and what they are called."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spikewatch.directory.domain.refusals import InvalidFields

__all__ = ["ANY", "Kind", "ResourceName", "child", "parent_prefix", "parse"]

ANY: Final = "-"
"""Stands for every parent in a list request (AIP-159)."""

_ID: Final = r"[a-z0-9](?:[a-z0-9-]{0,%d}[a-z0-9])?"
_TOP: Final = _ID % 61  # 63 characters at most: a DNS label
# 45 at most, so that providers/<63>/services/<45> fits the 128 characters of a name.
_CHILD: Final = _ID % 43


class Kind(StrEnum):
    """The kinds of record."""

    AGENCY = "agency"
    PROVIDER = "provider"
    SERVICE = "service"
    CONTACT = "contact"
    PROFILE = "profile"
    RULE = "rule"

    @property
    def collection(self) -> str:
        """The kind's part of a resource name."""
        return "agencies" if self is Kind.AGENCY else f"{self.value}s"

    @property
    def parents(self) -> tuple["Kind", ...]:
        """The kinds of which it is a child."""
        return {Kind.SERVICE: (Kind.PROVIDER,), Kind.CONTACT: (Kind.AGENCY, Kind.PROVIDER), Kind.PROFILE: (Kind.AGENCY,)}.get(self, ())


@dataclass(frozen=True, slots=True)
class ResourceName:
    """A well-formed resource name."""

    text: str
    kind: Kind
    id: str
    parent: str = ""


_EXAMPLES: Final = {
    Kind.AGENCY: "agencies/cedar-county-ems",
    Kind.PROVIDER: "providers/cedar-recovery",
    Kind.SERVICE: "providers/cedar-recovery/services/same-day-start",
    Kind.CONTACT: "agencies/cedar-county-health/contacts/duty-desk",
    Kind.PROFILE: "agencies/cedar-county-ems/profiles/tablet-export-v1",
    Kind.RULE: "rules/cedar-24h",
}
# agencies/x/contacts/y gives parent "agencies/x" and id "y"; agencies/x gives no parent and id "x".
_PATTERNS: Final = {
    kind: re.compile(
        rf"(?P<parent>(?:{'|'.join(parent.collection for parent in kind.parents)})/{_TOP})/{kind.collection}/(?P<id>{_CHILD})"
        if kind.parents
        else rf"(?P<parent>){kind.collection}/(?P<id>{_TOP})"
    )
    for kind in Kind
}


def parse(kind: Kind, text: str, *, field: str = "name") -> ResourceName:
    """Read the name of a record of one kind.

    Raises:
        InvalidFields: it is none.
    """
    match = _PATTERNS[kind].fullmatch(text)
    if match is None:
        raise InvalidFields.of(field, "is missing" if not text else "is not the name of such a record", "a resource name", _EXAMPLES[kind])
    return ResourceName(text, kind, match["id"], match["parent"])


def _parse_parent(kind: Kind, text: str) -> ResourceName:
    for parent in kind.parents:
        if _PATTERNS[parent].fullmatch(text):
            return parse(parent, text)
    example = _EXAMPLES[kind].rsplit("/", 2)[0]
    raise InvalidFields.of("parent", "is missing" if not text else "cannot have such a record", "the parent's resource name", example)


def child(kind: Kind, parent: str, resource_id: str) -> ResourceName:
    """Return the name of a new record.

    Raises:
        InvalidFields: the parent or the id is not right.
    """
    start = f"{_parse_parent(kind, parent).text}/" if kind.parents else ""
    text = f"{start}{kind.collection}/{resource_id}"
    if _PATTERNS[kind].fullmatch(text) is None:
        longest = 45 if kind.parents else 63
        raise InvalidFields.of(
            f"{kind}_id",
            "is missing" if not resource_id else "is not a resource id",
            f"1 to {longest} of a-z, 0-9 and hyphen, no hyphen at either end",
            _EXAMPLES[kind].rpartition("/")[2],
        )
    return parse(kind, text)


def parent_prefix(kind: Kind, parent: str) -> str:
    """Return what the names of a parent's records start with; ``providers/-`` gives ``providers/``.

    Raises:
        InvalidFields: the parent cannot have such records.
    """
    if not kind.parents:
        return f"{kind.collection}/"
    for owner in kind.parents:
        if parent == f"{owner.collection}/{ANY}":
            return f"{owner.collection}/"
    return f"{_parse_parent(kind, parent).text}/{kind.collection}/"
