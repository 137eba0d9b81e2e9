"""Replays a scenario: history as fast as it is taken, the rest at a speed one can watch."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import httpx

from spikewatch.cli.demonstration.scenario import Scenario, Sender, Shipment
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import Progress
from spikewatch.cli.replay.bodies import Body
from spikewatch.cli.replay.gateway import Answer, Gateway
from spikewatch.cli.replay.outcomes import Tally, follow_receipts
from spikewatch.cli.replay.pace import Pace
from spikewatch.cli.replay.sending import send

__all__ = ["Replay"]

_REQUEST_S: Final = 60.0
_KNOWN_WITHIN_S: Final = 120.0
_POLL_S: Final = 0.1


class Replay:
    """Sends a scenario's bodies in its agencies' names and remembers the receipts."""

    def __init__(self, scenario: Scenario, gateways: Mapping[Sender, Gateway]) -> None:
        self._scenario = scenario
        self._gateways = gateways
        self._receipts: dict[Sender, list[str]] = defaultdict(list)
        self._accepted = 0

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, scenario: Scenario, keys: Mapping[str, str]) -> AsyncIterator["Replay"]:
        """Open a replay against the gateway; ``keys`` holds the key of each agency by its id."""
        async with httpx.AsyncClient(base_url=url, timeout=_REQUEST_S) as client:
            yield cls(scenario, {sender: Gateway(client, keys[sender.agency_id], sender.form) for sender in scenario.senders})

    async def wait_until_known(self) -> None:
        """Wait until the gateway takes the key of every agency: their records reach it over the directory's topic.

        Raises:
            CannotRun: it does not within 20 s.
        """
        try:
            async with asyncio.timeout(_KNOWN_WITHIN_S):
                for gateway in self._gateways.values():
                    while not await gateway.knows_key():  # noqa: ASYNC110  # the gateway is another process: it can only be asked
                        await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise CannotRun("the gateway does not take the agencies' keys; look into its log below the folder, under services") from None

    async def run(self, *, speed: float | None, now: datetime) -> int:
        """Send everything; return how many records were accepted.

        Args:
            speed: seconds of the feed's time that pass in one second; None sends as fast as it is taken.
            now: a later time in the feed is a mistake of its record and holds nothing up.

        Raises:
            CannotRun: the gateway does not answer.
        """
        await self._bulk()
        await self._live(Pace(speed, latest=now))
        return self._accepted

    async def outcomes(self, *, timeout: float) -> Tally:
        """Follow every receipt until its records are processed, and add up what they became."""
        tally = Tally()
        with Progress("processing", self._accepted) as progress:
            for sender, urls in self._receipts.items():
                part = await follow_receipts(self._gateways[sender], urls, timeout=timeout, on_processed=progress.advance)
                tally.counts += part.counts
                tally.refused += part.refused
        return tally

    async def _bulk(self) -> None:
        if not self._scenario.bulk:
            return
        of: dict[Sender, list[Body]] = defaultdict(list)
        for shipment in self._scenario.bulk:
            of[shipment.sender].append(shipment.body)
        with Progress("sending history", sum(shipment.body.records for shipment in self._scenario.bulk)) as progress:
            # The agencies side by side, each in its own order.
            await asyncio.gather(*(self._send(sender, bodies, Pace(), progress) for sender, bodies in of.items()))

    async def _live(self, pace: Pace) -> None:
        if not self._scenario.live:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        with Progress("replaying", sum(shipment.body.records for shipment in self._scenario.live)) as progress:
            for shipment in self._scenario.live:
                wait = began + pace.due(shipment.body.newest, shipment.body.records) - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                await self._ship(shipment, progress)

    async def _ship(self, shipment: Shipment, progress: Progress) -> None:
        # Without a pace of its own: the replay's pace spans all agencies.
        await self._send(shipment.sender, [shipment.body], Pace(), progress)

    async def _send(self, sender: Sender, bodies: list[Body], pace: Pace, progress: Progress) -> None:
        def take(body: Body, answer: Answer) -> None:
            if answer.status_url is None:
                raise CannotRun(
                    f"the gateway refused a body of {sender.agency_id}: {answer.problem.get('detail') or answer.problem.get('title')}"
                )
            self._receipts[sender].append(answer.status_url)
            self._accepted += body.records
            progress.advance(body.records)

        first = len(self._receipts[sender])
        await send(self._gateways[sender], sender.agency_id, bodies, pace=pace, first=first, on_answer=take)
