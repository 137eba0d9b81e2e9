"""The use cases of the directory. Every write states the version it was made from, so that no change overwrites another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spikewatch.chassis.clock import Clock
from spikewatch.contracts.directory import ContactRole, RuleRecord
from spikewatch.directory.domain import pages, records, responsibility
from spikewatch.directory.domain.filters import parse_filter
from spikewatch.directory.domain.names import Kind, ResourceName, child, parent_prefix, parse
from spikewatch.directory.domain.records import Draft, Record
from spikewatch.directory.domain.refusals import (
    FieldProblem,
    HasChildren,
    InvalidFields,
    NotFound,
    SpentRuleVersion,
    SpentVersion,
    StaleEtag,
    TakenName,
)
from spikewatch.directory.ports import Creation, RecordStore, Stored

__all__ = ["Directory", "Page"]

# A writer that loses so often without an etag competes with a program gone wild; the caller then decides.
_MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Page:
    """Some records and the token of the next page, empty on the last."""

    records: tuple[Record, ...]
    next_page_token: str


class Directory:
    """Reads and writes records. ``wake`` is called after each write, so that it is published at once."""

    def __init__(self, store: RecordStore, *, clock: Clock, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake

    async def get(self, kind: Kind, name: str) -> Record:
        """Return a record.

        Raises:
            InvalidFields: the name is none of this kind.
            NotFound: there is none.
        """
        stored = await self._store.get(parse(kind, name).text)
        if stored is None or stored.record is None:
            raise NotFound
        return stored.record

    async def page(self, kind: Kind, *, parent: str = "", size: int = 0, token: str = "", query: str = "") -> Page:
        """Return a page of records by name.

        Raises:
            InvalidFields: the parent, size, token or filter is not right.
        """
        prefix = parent_prefix(kind, parent)
        most = pages.page_size(size)
        terms = parse_filter(kind, query)
        after = pages.read_token(token, kind, prefix, query)
        found = await self._store.page(kind, prefix, terms, after, most + 1)
        is_last = len(found) <= most
        return Page(tuple(found[:most]), "" if is_last else pages.write_token(found[most - 1].name, kind, prefix, query))

    async def create(self, kind: Kind, *, parent: str = "", resource_id: str, draft: Draft, request_id: str = "") -> Record:
        """Add a record; a repetition of the same request returns what the first made.

        Raises:
            InvalidFields: a field is not right.
            NotFound: the parent is missing, or the record this request made was deleted since.
            TakenName: the name is in use.
            SpentVersion: this version of a profile is or was there with other content.
            SpentRuleVersion: a deleted rule of this name had a higher version, or this one with other content.
        """
        name = child(kind, parent, resource_id)
        creation = Creation(_request_id(request_id), records.fingerprint(draft)) if request_id else None
        return await self._create(name, draft, creation)

    async def _create(self, name: ResourceName, draft: Draft, creation: Creation | None) -> Record:
        for _ in range(_MOST_ATTEMPTS):
            known = await self._store.get(name.text)
            if known is not None and creation is not None and known.creation == creation:
                if known.record is None:
                    raise NotFound
                return known.record
            if known is not None:
                _check_free(name, draft, known)
            if name.parent:
                owner = await self._store.get(name.parent)
                if owner is None or owner.record is None:
                    raise NotFound
            if (record := await self._write(name, draft, known, creation)) is not None:
                return record
        raise StaleEtag

    async def update(self, kind: Kind, *, name: str, etag: str, draft: Draft, mask: Sequence[str], allow_missing: bool = False) -> Record:
        """Change the fields of the mask; an update that changes nothing leaves the record as it is.

        Raises:
            InvalidFields: a field or the mask is not right.
            NotFound: there is none, and it may not be created.
            StaleEtag: the record changed since it was read.
            SpentRuleVersion: a rule decides otherwise under the version it has, or has a lower one.
        """
        target = parse(kind, name)
        paths = _paths(kind, draft, mask)
        for _ in range(_MOST_ATTEMPTS):
            known = await self._store.get(target.text)
            if known is None or known.record is None:
                if not allow_missing:
                    raise NotFound
                if etag:
                    raise StaleEtag
                return await self._create(target, draft, None)
            if etag and etag != known.record.etag:
                raise StaleEtag
            present = records.draft_of(known.record)
            wanted = {field: value for field, value in present.items() if field not in paths}
            wanted |= {field: draft[field] for field in paths if field in draft}
            offered = records.build(target, wanted, version=known.version, now=known.changed_at)
            if records.draft_of(offered) == present:
                return known.record
            _check_supersedes(offered, records.content_digest(known.record))
            if (record := await self._write(target, wanted, known, known.creation)) is not None:
                return record
        raise StaleEtag

    async def delete(self, kind: Kind, *, name: str, etag: str = "") -> None:
        """Remove a record; its name may be used again, that of a version of a profile for the same content only.

        The name of a rule may be used again for the same content, or for a higher version.

        Raises:
            InvalidFields: the name is none of this kind.
            NotFound: there is none.
            StaleEtag: the record changed since it was read.
            HasChildren: it still has services or contacts.
        """
        target = parse(kind, name)
        for _ in range(_MOST_ATTEMPTS):
            known = await self._store.get(target.text)
            if known is None or known.record is None:
                raise NotFound
            if etag and etag != known.record.etag:
                raise StaleEtag
            if await self._store.has_children(target.text):
                raise HasChildren
            removed = records.content_digest(known.record)
            gone = Stored(target.text, known.version + 1, None, self._clock(), known.creation, removed)
            if await self._store.put(gone, replaces=known.version):
                self._wake()
                return
        raise StaleEtag

    async def responsible(self, areas: Sequence[str], roles: Sequence[ContactRole]) -> list[responsibility.Responsible]:
        """Return who answers for a place, given its areas, most specific first.

        Raises:
            InvalidFields: an area is not right.
        """
        responsibility.check_areas(areas)
        return responsibility.responsible(await self._store.contacts_for(areas), areas, roles)

    async def _write(self, name: ResourceName, draft: Draft, known: Stored | None, creation: Creation | None) -> Record | None:
        now = self._clock()
        record = records.build(name, draft, version=1 if known is None else known.version + 1, now=now)
        stored = Stored(name.text, record.version, record, now, creation)
        if not await self._store.put(stored, replaces=None if known is None else known.version):
            return None
        self._wake()
        return record


def _check_free(name: ResourceName, draft: Draft, known: Stored) -> None:
    # A version of a profile is named by reports for ever: not even after its deletion does it get other content.
    if name.kind is Kind.PROFILE:
        offered = records.content_digest(records.build(name, draft, version=known.version + 1, now=known.changed_at))
        kept = known.removed if known.record is None else records.content_digest(known.record)
        if offered != kept:
            raise SpentVersion
    if known.record is not None:
        raise TakenName
    if name.kind is Kind.RULE:
        offered_rule = records.build(name, draft, version=known.version + 1, now=known.changed_at)
        _check_supersedes(offered_rule, known.removed)


def _check_supersedes(offered: Record, kept: str | None) -> None:
    # Alerts name the rule's id and version for ever: what decides under it never changes.
    if isinstance(offered, RuleRecord) and kept is not None and not records.supersedes(offered, kept):
        raise SpentRuleVersion


def _paths(kind: Kind, draft: Draft, mask: Sequence[str]) -> tuple[str, ...]:
    if not mask:
        return tuple(draft)
    allowed = records.writable(kind)
    if list(mask) == ["*"]:
        return allowed
    if any(path not in allowed for path in mask):
        raise InvalidFields.of(
            "update_mask", "names a field that cannot be changed", f"some of {', '.join(allowed)}, or * alone", allowed[0]
        )
    return tuple(mask)


def _request_id(text: str) -> str:
    try:
        is_right = UUID(text).version == 4
    except ValueError:
        is_right = False
    if not is_right:
        raise InvalidFields([FieldProblem("request_id", "is no UUID version 4", "a random UUID", "1b4e28ba-2fa1-4d2b-883f-0016d3cca427")])
    return text.lower()
