"""Receipts that are counted as they are stored: the metric by which an operator sees an agency's feed go wrong."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from opentelemetry import metrics
from typing_extensions import override

from spikewatch.ingest.domain.receipt import Receipt
from spikewatch.ingest.ports import Receipts

__all__ = ["CountedReceipts"]


class CountedReceipts(Receipts):
    """Stores in another store and counts records by agency and what became of them. A batch that comes again counts again."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._records = metrics.get_meter("spikewatch.ingest").create_counter("spikewatch.ingest.records", unit="{record}")

    @override
    async def save(self, receipts: Sequence[Receipt]) -> None:
        """Store, then count."""
        await self._receipts.save(receipts)
        became: Counter[tuple[str, str]] = Counter()
        for receipt in receipts:
            became.update((receipt.agency_id, outcome.result.value) for outcome in receipt.outcomes)
        for (agency, result), count in became.items():
            self._records.add(count, {"spikewatch.agency": agency, "spikewatch.outcome": result})

    @override
    async def find(self, agency_id: str, submission_id: UUID) -> Receipt | None:
        """Return a receipt of this agency."""
        return await self._receipts.find(agency_id, submission_id)
