"""Decisions in MongoDB, found by the reports they are about."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from spikewatch.chassis.mongo import Document, Index, InsertOne, Mongo
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.matching.decisions import Decisions

__all__ = ["MongoDecisions"]

_KEYS_AT_ONCE: Final = 10_000


class MongoDecisions:
    """Implements ``DecisionStore`` on the collection ``decisions``, from which nothing expires."""

    def __init__(self, mongo: Mongo) -> None:
        self._decisions = mongo.collection("decisions")

    async def prepare(self) -> None:
        """Create the indexes; safe at each start."""
        await self._decisions.ensure(Index.on("keys"), Index.on("undoes", partial={"undoes": {"$exists": True}}))

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; one that is known already stays as it is."""
        await self._decisions.bulk([InsertOne(_document(one)) for one in decisions])

    async def known(self, identities: Collection[UUID]) -> list[Decision]:
        """Return those of these decisions that are known."""
        return await self._in("_id", identities) if identities else []

    async def about(self, reports: Collection[UUID]) -> Decisions:
        """Return what bears on some reports: the decisions about them, about what those name, and so on, with their undos."""
        if await self._decisions.find_one({}, fields=("_id",)) is None:
            return Decisions()  # where nobody decides, one look is all that it costs
        found: dict[UUID, Decision] = {}
        asked: set[UUID] = set()
        wanted = set(reports)
        while wanted:
            told = await self._in("keys", wanted)
            asked |= wanted
            found |= {one.decision_id: one for one in told}
            wanted = {key for one in told for key in (*one.reports, *one.others)} - asked
        undos = await self._in("undoes", found) if found else []
        return Decisions((*found.values(), *undos))

    async def _in(self, field: str, values: Collection[UUID]) -> list[Decision]:
        wanted = list(values)
        return [
            Decision.model_validate_json(document["body"])
            for start in range(0, len(wanted), _KEYS_AT_ONCE)
            for document in await self._decisions.find({field: {"$in": wanted[start : start + _KEYS_AT_ONCE]}}, fields=("body",))
        ]


def _document(decision: Decision) -> Document:
    document = {"_id": decision.decision_id, "keys": [*decision.reports, *decision.others], "body": decision.to_json()}
    return document if decision.undoes is None else document | {"undoes": decision.undoes}
