"""Writes many documents, each only over the state it was made from."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Final

from spikewatch.alerts.ports import Overtaken
from spikewatch.alerts.service.together import all_of
from spikewatch.chassis.mongo import Bulk, Collection, Document, InsertOne, ReplaceOne

__all__ = ["write_all"]

# A server works off one list in one thread, and only once all of it is there: in parts it begins while the next part is being made.
_PART: Final = 2_000


async def write_all(collection: Collection, writes: Iterable[tuple[int, Document]], *, counter: str) -> None:
    """Write documents, each with the counter it was read with (0: it was not there); the counter is set to one more.

    They are taken some at a time, and those before are written meanwhile.

    Raises:
        Overtaken: one of them was changed meanwhile. Others may be written: the caller reads again and repeats.
        Transient: the server does not answer. Others may be written; none is on its way any more.
    """
    left, asked = iter(writes), 0
    parts: list[asyncio.Task[Bulk]] = []
    try:
        while operations := [_operation(seen, document, counter) for seen, document in islice(left, _PART)]:
            asked += len(operations)
            parts.append(asyncio.create_task(collection.bulk(operations)))
            await asyncio.sleep(0)  # it is sent before the next part is made
    finally:
        done = await all_of(parts)  # also when a document could not be made
    if sum(part.matched + part.upserted for part in done) < asked:
        raise Overtaken(f"{collection.name}: another writer was first")


def _operation(seen: int, document: Document, counter: str) -> InsertOne[Document] | ReplaceOne[Document]:
    fresh = {**document, counter: seen + 1}
    return ReplaceOne({"_id": document["_id"], counter: seen}, fresh) if seen else InsertOne(fresh)
