"""Remembers which secrets this database was filled under, so that a wrong one is noticed before it does harm."""

from typing import Final

from spikewatch.chassis.mongo import DuplicateKey, Mongo

__all__ = ["HASHES", "SEALS", "MongoSealMark"]

SEALS: Final = "master"
HASHES: Final = "hashes"


class MongoSealMark:
    """The fingerprint of the first secret of each use that this database has seen."""

    def __init__(self, mongo: Mongo) -> None:
        self._marks = mongo.collection("seal_marks")

    async def fits(self, fingerprint: str, use: str = SEALS) -> bool:
        """Return whether the secret is the one in this use, ``SEALS`` or ``HASHES``; the first one ever is.

        Raises:
            Transient: the database does not answer.
        """
        try:
            await self._marks.insert({"_id": use, "fingerprint": fingerprint})
        except DuplicateKey:
            mark = await self._marks.find_one({"_id": use})
            return mark is not None and mark["fingerprint"] == fingerprint
        return True
