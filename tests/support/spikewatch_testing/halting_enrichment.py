"""An enrichment service that stands still in the middle of its first merge, until it is let go on or killed.

As a process (``python -m spikewatch_testing.halting_enrichment``) it makes the file ``halted`` in the folder of
``SPIKEWATCH_TEST_HALT`` when it stands there, and goes on when that folder holds a file ``released``.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from typing_extensions import override

from spikewatch.chassis.clock import Clock, system_clock
from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.runtime import run
from spikewatch.enrichment import app
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.settings import EnrichmentSettings

__all__ = ["FOLDER", "HALTED", "POINT", "RELEASED", "Point"]

FOLDER: Final = "SPIKEWATCH_TEST_HALT"
POINT: Final = "SPIKEWATCH_TEST_HALT_POINT"
HALTED: Final = "halted"
RELEASED: Final = "released"


class Point(StrEnum):
    """Where it stands still."""

    BEFORE_THE_TOMBSTONE = "before-the-tombstone"
    """The incident that goes on is stored, the end of the other is not, and nothing is published."""
    BEFORE_PUBLISHING = "before-publishing"
    """Both are stored, and neither is published."""


class HaltingStore(MongoMatchStore):
    """Stands still once, at the first write that ends an incident in another one."""

    def __init__(self, mongo: Mongo, retention: timedelta, clock: Clock = system_clock) -> None:
        super().__init__(mongo, retention, clock)
        self._folder = Path(os.environ[FOLDER])
        self._point = Point(os.environ[POINT])

    @override
    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        ended = [one for one in incidents if one.merged_into is not None]
        if not ended or (self._folder / HALTED).exists():
            await super().write_incidents(incidents)
            return
        await super().write_incidents([one for one in incidents if one.merged_into is None])
        if self._point is Point.BEFORE_THE_TOMBSTONE:
            await self._halt()
        await super().write_incidents(ended)
        if self._point is Point.BEFORE_PUBLISHING:
            await self._halt()

    async def _halt(self) -> None:
        (self._folder / HALTED).touch()
        while not (self._folder / RELEASED).exists():  # noqa: ASYNC110  # another process lets it go on
            await asyncio.sleep(0.05)  # the pause between two looks


if __name__ == "__main__":
    app.MongoMatchStore = HaltingStore  # type: ignore[misc]  # what the composition root wires
    run("enrichment", EnrichmentSettings, app.build)
