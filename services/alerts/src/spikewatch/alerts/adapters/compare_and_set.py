"""Writes many documents, each only over the state it was made from."""

from collections.abc import Sequence

from spikewatch.alerts.ports import Overtaken
from spikewatch.chassis.mongo import Collection, Document, InsertOne, ReplaceOne

__all__ = ["write_all"]


async def write_all(collection: Collection, writes: Sequence[tuple[int, Document]], *, counter: str) -> None:
    """Write documents in one round trip; each comes with the counter it was read with (0: it was not there).

    The counter is set to one more.

    Raises:
        Overtaken: one of them was changed meanwhile. Others may be written: the caller reads again and repeats.
    """
    operations: list[InsertOne[Document] | ReplaceOne[Document]] = []
    for seen, document in writes:
        fresh = {**document, counter: seen + 1}
        operations.append(ReplaceOne({"_id": document["_id"], counter: seen}, fresh) if seen else InsertOne(fresh))
    if not operations:
        return
    done = await collection.bulk(operations)
    if done.matched + done.upserted < len(operations):
        raise Overtaken(f"{collection.name}: another writer was first")
