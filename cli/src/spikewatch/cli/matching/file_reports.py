"""The reports of one file, with the names that its rows give them."""

from pathlib import Path
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.matching.agencies import say_unknown_kinds
from spikewatch.cli.matching.report_rows import report_rows
from spikewatch.cli.progress import Progress, say
from spikewatch.enrichment.domain.matching.records import Compared, newest

__all__ = ["FileReports"]


class FileReports:
    """The reports of one file that stand.

    Args:
        name: the file.
        truth: the column that says who the person is; None: none is read.

    Raises:
        CannotRun: it is no table of reports, or the column names nobody.
    """

    def __init__(self, name: str, truth: str | None) -> None:
        self.keys: dict[str, UUID] = {}
        self.names: dict[UUID, str] = {}
        self.people: dict[UUID, str] = {}
        self.refused = 0
        read: list[Compared] = []
        with opened(name) as file, Progress(f"read {Path(name).name}", file.size, unit="bytes") as progress:
            spare_collector()
            for row in report_rows(file, truth=truth):
                if row.record is None:
                    self.refused += 1
                    continue
                read.append(row.record)
                self.keys[row.report_id] = row.record.key
                self.names.setdefault(row.record.key, row.report_id)
                if row.truth:
                    self.people[row.record.key] = row.truth
            progress.reach(file.size or file.done())
        self.records = newest(read)
        say_unknown_kinds(self.records)
        if truth is not None and not self.people:
            raise CannotRun(f"{name} names nobody in its column {truth}; name another one with --truth")

    @property
    def status(self) -> int:
        """The exit status, refused rows told."""
        if self.refused:
            say(f"{self.refused:,} rows refused; spikewatch dedupe --errors FILE lists them")
        return REFUSED_ROWS if self.refused else DONE
