"""Remembers which master secret the stored submissions were sealed under, so that a wrong one is noticed before it does harm."""

from typing import Final

from spikewatch.chassis.mongo import DuplicateKey, Mongo

__all__ = ["MongoSealMark"]

_ID: Final = "master"


class MongoSealMark:
    """The fingerprint of the first secret that this database has seen."""

    def __init__(self, mongo: Mongo) -> None:
        self._marks = mongo.collection("seal_marks")

    async def fits(self, fingerprint: str) -> bool:
        """Return whether the secret is the one in use; the first one ever is.

        Raises:
            Transient: the database does not answer.
        """
        try:
            await self._marks.insert({"_id": _ID, "fingerprint": fingerprint})
        except DuplicateKey:
            mark = await self._marks.find_one({"_id": _ID})
            return mark is not None and mark["fingerprint"] == fingerprint
        return True
