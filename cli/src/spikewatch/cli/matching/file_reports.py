"""The reports of one file, with the names that its rows give them."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.matching.agencies import say_unknown_kinds
from spikewatch.cli.matching.fillers_told import without_fillers
from spikewatch.cli.matching.report_rows import report_rows
from spikewatch.cli.progress import Progress, say
from spikewatch.enrichment.domain.matching.records import Compared, newest

__all__ = ["FileReports"]


class FileReports:
    """The reports of one file that stand.

    ``keys`` finds a report by what its row is called. Where rows of several reports are called the same, as two agencies' records of one
    number are in a table without ``report_id``, each is called ``agency number``.

    Args:
        name: the file.
        truth: the column that says who the person is; None: none is read.
        adapts: whether values that the whole file shows to mean nothing are left out, as ``dedupe`` does.

    Raises:
        CannotRun: it is no table of reports, or the column names nobody.
    """

    def __init__(self, name: str, truth: str | None, *, adapts: bool = True) -> None:
        self._name = name
        self.keys: dict[str, UUID] = {}
        self.names: dict[UUID, str] = {}
        self.people: dict[UUID, str] = {}
        self.refused = 0
        self._namesakes: dict[str, list[str]] = {}
        read: list[Compared] = []
        with opened(name) as file, Progress(f"read {Path(name).name}", file.size, unit="bytes") as progress:
            spare_collector()
            for row in report_rows(file, truth=truth):
                if row.record is None:
                    self.refused += 1
                    continue
                read.append(row.record)
                if self.keys.setdefault(row.report_id, row.record.key) != row.record.key:
                    self._namesakes.setdefault(row.report_id, [])
                self.names.setdefault(row.record.key, row.report_id)
                if row.truth:
                    self.people[row.record.key] = row.truth
            progress.reach(file.size or file.done())
        self._tell_apart(read)
        self.records = without_fillers(newest(read)) if adapts else newest(read)
        say_unknown_kinds(self.records)
        if truth is not None and not self.people:
            raise CannotRun(f"{name} names nobody in its column {truth}; name another one with --truth")

    def key(self, report: str) -> UUID:
        """Return the key of the report that is called so.

        Raises:
            CannotRun: none is, or several are.
        """
        if several := self._namesakes.get(report):
            raise CannotRun(f"{self._name} has several reports {report}; give one of: {', '.join(sorted(several))}")
        key = self.keys.get(report)
        if key is None:
            raise CannotRun(f"{self._name} has no report {report}; give a report_id of the file")
        return key

    def _tell_apart(self, read: Sequence[Compared]) -> None:
        if not self._namesakes:
            return
        for name in self._namesakes:
            del self.keys[name]
        for record in read:
            name = self.names[record.key]
            if name in self._namesakes:
                whole = f"{record.agency} {name}"
                self.keys[whole], self.names[record.key] = record.key, whole
                self._namesakes[name].append(whole)

    @property
    def status(self) -> int:
        """The exit status, refused rows told."""
        if self.refused:
            say(f"{self.refused:,} rows refused; spikewatch dedupe --errors FILE lists them")
        return REFUSED_ROWS if self.refused else DONE
