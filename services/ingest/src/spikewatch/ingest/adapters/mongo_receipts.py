"""Receipts in MongoDB: one document for each thousand records of a submission, so that a small one is a single write."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from spikewatch.chassis.mongo import Document, Index, Mongo, ReplaceOne, UpdateOne
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome, Result

__all__ = ["MongoReceipts"]

_CHUNK: Final = 1000  # outcomes in one document: at 500 bytes each far below MongoDB's 16 MB
_OPTIONAL: Final = ("report_id", "revision", "reason", "field", "problem", "expected", "example", "topic")


class MongoReceipts:
    """Collection ``submissions``. The agency is part of the key, so that no agency can read or write another's."""

    def __init__(self, mongo: Mongo, *, retention: timedelta) -> None:
        self._documents = mongo.collection("submissions")
        self._retention = retention

    async def prepare(self) -> None:
        """Create the index; the moment of expiry stands in the document, so that the retention can change."""
        await self._documents.ensure(Index.on("expires_at", expire_after=timedelta(0)))

    async def save(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; a later one of the same submission replaces it, a part changes only its records."""
        # Ordered: a replayed record may stand behind its own submission in one batch, and must win.
        await self._documents.bulk([write for receipt in receipts for write in self._writes(receipt)], ordered=True)

    async def find(self, agency_id: str, submission_id: UUID) -> Receipt | None:
        """Return a receipt of this agency."""
        prefix = _key(agency_id, submission_id)
        chunks = await self._documents.find({"_id": {"$gte": prefix, "$lt": prefix + "~"}}, sort=[("_id", 1)])
        if not chunks:
            return None
        first = chunks[0]
        outcomes = [_outcome(int(index), part) for chunk in chunks for index, part in chunk["outcomes"].items()]
        return Receipt(
            submission_id=submission_id,
            agency_id=agency_id,
            received_at=first["received_at"],
            format=first["format"],
            records=max(first["records"], sum(outcome.index >= 0 for outcome in outcomes)),
            outcomes=tuple(sorted(outcomes, key=lambda outcome: outcome.index)),
        )

    def _writes(self, receipt: Receipt) -> Iterator[ReplaceOne[Document] | UpdateOne]:
        head: Document = {
            "agency_id": receipt.agency_id,
            "received_at": receipt.received_at,
            "format": receipt.format,
            "expires_at": receipt.received_at + self._retention,
        }
        chunks: dict[int, dict[str, Document]] = {} if receipt.is_part else {0: {}}
        for outcome in receipt.outcomes:
            chunks.setdefault(max(outcome.index, 0) // _CHUNK, {})[str(outcome.index)] = _document(outcome)
        for number, outcomes in chunks.items():
            key = f"{_key(receipt.agency_id, receipt.submission_id)}{number:06d}"
            if receipt.is_part:
                changed = {f"outcomes.{index}": part for index, part in outcomes.items()}
                yield UpdateOne({"_id": key}, {"$set": changed, "$setOnInsert": {**head, "records": 0}}, upsert=True)
            else:
                yield ReplaceOne({"_id": key}, {**head, "records": receipt.records, "outcomes": outcomes}, upsert=True)


def _key(agency_id: str, submission_id: UUID) -> str:
    return f"{agency_id}/{submission_id}/"


def _document(outcome: RecordOutcome) -> Document:
    optional = {name: value for name in _OPTIONAL if (value := getattr(outcome, name)) is not None}
    return {"result": outcome.result.value, **optional}


def _outcome(index: int, document: Document) -> RecordOutcome:
    return RecordOutcome(index, Result(document["result"]), **{name: document[name] for name in _OPTIONAL if name in document})
