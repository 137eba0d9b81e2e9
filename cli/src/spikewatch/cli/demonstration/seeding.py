"""Fills a fresh stack: directory records over gRPC, and a key for each agency."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.mongo import Mongo
from spikewatch.cli.directory_client import DirectoryClient, in_directory
from spikewatch.directory.domain.names import Kind
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.domain.api_key import new_key

__all__ = ["issue_keys", "load_directory"]

_INGEST_DATABASE: Final = "spikewatch_ingest"


def load_directory(address: str, records: Iterable[Mapping[str, Any]]) -> None:
    """Put every record into the directory, parents first.

    Raises:
        CannotRun: the directory does not answer or refuses one.
    """

    async def work(client: DirectoryClient) -> None:
        for record in records:
            await client.upsert(Kind(record["kind"]), record)

    in_directory(address, None, work)


async def issue_keys(mongodb_uri: str, agencies: Sequence[str]) -> dict[str, str]:
    """Issue a key for each agency and return them by agency id."""
    mongo = Mongo(mongodb_uri, _INGEST_DATABASE)
    try:
        keys = MongoApiKeys(mongo)
        await keys.prepare()
        issued = {}
        for agency in agencies:
            issued[agency], key = new_key(agency, now=system_clock(), entropy=os.urandom)
            await keys.add(key)
    finally:
        mongo.close()
    return issued
