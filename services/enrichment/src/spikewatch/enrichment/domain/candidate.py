"""What matching keeps of a report: what is compared, and what fills an overdose, and no more (no address text)."""

from typing import Self
from uuid import UUID

from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment.domain.extract import Extract
from spikewatch.enrichment.domain.matching.keys import Keys, keys_of
from spikewatch.enrichment.domain.matching.records import Compared, of_located
from spikewatch.enrichment.domain.matching.stored import packed, unpacked

__all__ = ["Candidate"]


class Candidate:
    """One report as the matcher sees it. What fills an overdose is read from its kept form when it is asked for: most are only compared."""

    __slots__ = ("_content", "_extract", "_keys", "record")

    def __init__(self, record: Compared, content: bytes, extract: Extract | None = None) -> None:
        self.record = record
        self._content = content
        self._extract = extract
        self._keys: Keys | None = None

    @classmethod
    def of(cls, located: LocatedReport) -> Self:
        """Take what is compared and what is kept from a located report that was not withdrawn."""
        extract = Extract.of(located)
        return cls(of_located(located), extract.written(), extract)

    @classmethod
    def kept(cls, key: UUID, state: tuple[int, int], compared: bytes, content: bytes) -> Self:
        """Return a report as it was stored."""
        return cls(unpacked(key, state, compared), content)

    def put_away(self) -> None:
        """Hold no more than what is compared and found by; the rest is read again from its kept form."""
        self._extract = None

    @property
    def key(self) -> UUID:
        """The report's key."""
        return self.record.key

    @property
    def extract(self) -> Extract:
        """What may fill an overdose."""
        made = self._extract  # another batch may put it away in between
        if made is None:
            made = self._extract = Extract.read(self.record, self._content)
        return made

    @property
    def compared(self) -> bytes:
        """What is compared, as it is stored."""
        return packed(self.record)

    @property
    def content(self) -> bytes:
        """The extract as it is stored."""
        return self._content

    @property
    def keys(self) -> Keys:
        """By what it is found, and where others are looked for around it."""
        if self._keys is None:
            self._keys = keys_of(self.record)
        return self._keys

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks it is found by."""
        return self.keys.blocks

    @property
    def probes(self) -> tuple[int, ...]:
        """The blocks in which all lie that it may be compared with."""
        return self.keys.probes

    @property
    def spots(self) -> tuple[str, ...]:
        """What the reports of its agency are counted by."""
        return self.keys.spots
