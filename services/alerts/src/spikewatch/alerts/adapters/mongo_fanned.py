"""Where each incident counts, in MongoDB."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from uuid import UUID

from spikewatch.alerts.adapters.compare_and_set import write_all
from spikewatch.alerts.domain.fanned import Fanned
from spikewatch.chassis.mongo import Document, Mongo

__all__ = ["MongoFannedStore"]


class MongoFannedStore:
    """Collection ``fanned``: one document an incident."""

    def __init__(self, mongo: Mongo) -> None:
        self._incidents = mongo.collection("fanned")

    async def load(self, incidents: Several[UUID]) -> dict[UUID, Fanned]:
        """Return what is known of some incidents."""
        if not incidents:
            return {}
        documents = await self._incidents.find({"_id": {"$in": list(incidents)}})
        return {document["_id"]: _fanned(document) for document in documents}

    async def save(self, changes: Sequence[tuple[Fanned | None, Fanned]]) -> None:
        """Replace what was loaded by what it became."""
        await write_all(
            self._incidents, [(before.sequence if before else 0, _document(after)) for before, after in changes], counter="sequence"
        )


def _document(state: Fanned) -> Document:
    return {
        "_id": state.incident,
        "version": state.version,
        "place_key": state.place_key,
        "areas": list(state.areas),
        "left": list(state.left),
        "gone_at": list(state.gone_at) if state.gone_at else None,
    }


def _fanned(document: Document) -> Fanned:
    gone_at = document["gone_at"]
    return Fanned(
        incident=document["_id"],
        version=document["version"],
        place_key=document["place_key"],
        areas=tuple(document["areas"]),
        left=tuple(document["left"]),
        gone_at=(gone_at[0], gone_at[1]) if gone_at else None,
        sequence=document["sequence"],
    )
