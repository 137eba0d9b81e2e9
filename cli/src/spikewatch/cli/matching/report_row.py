"""One row of a file of reports, read."""

from dataclasses import dataclass

from spikewatch.enrichment.domain.matching.records import Compared, Unreadable
from spikewatch.enrichment.domain.matching.slashed import Order

__all__ = ["ReportRow"]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row: the line it begins on, what names it in the output, and either what is compared or why it is refused.

    ``truth`` is the text of the column that says who the person is, where one was asked for; nothing that matches ever sees it.
    ``orders`` tells in which order its times have month and day, where they are written with slashes.
    """

    line: int
    report_id: str
    record: Compared | None
    refused: Unreadable | None
    truth: str | None = None
    orders: tuple[Order, ...] = ()
