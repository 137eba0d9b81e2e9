"""The last answers of the directory, in MongoDB."""

from spikewatch.chassis.mongo import Mongo
from spikewatch.contracts.alert import AlertContact

__all__ = ["MongoContactMemory"]


class MongoContactMemory:
    """Collection ``contacts``: one document a question."""

    def __init__(self, mongo: Mongo) -> None:
        self._answers = mongo.collection("contacts")

    async def recall(self, key: str) -> tuple[AlertContact, ...] | None:
        """Return the last answer to a question, or None."""
        document = await self._answers.find_one({"_id": key})
        return None if document is None else tuple(AlertContact.model_validate(contact) for contact in document["contacts"])

    async def remember(self, key: str, contacts: tuple[AlertContact, ...]) -> None:
        """Keep an answer."""
        document = {"_id": key, "contacts": [contact.model_dump(mode="json") for contact in contacts]}
        await self._answers.replace_one({"_id": key}, document, upsert=True)
