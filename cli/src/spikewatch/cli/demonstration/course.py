"""One run of the demo against a stack that is ready: seed, replay, count, judge, show."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.cli.demonstration import seeding, showing
from spikewatch.cli.demonstration.census import Census, Check, census, checks, kafka_read
from spikewatch.cli.demonstration.replay import Replay
from spikewatch.cli.demonstration.scenario import Scenario
from spikewatch.cli.demonstration.settling import settled, standing
from spikewatch.cli.demonstration.verdict import alert_checks, alert_to_show, trace_ids, whole_trace
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import say
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.trace_tree import draw, tree

__all__ = ["Course"]

_WIDTH_WHEN_PIPED: Final = 140
_SETTLE_S: Final = 300.0
_TRACE_S: Final = 60.0  # exporters send every five seconds


class Course:
    """The way of a scenario through a stack; ``folder`` is the stack's."""

    def __init__(self, scenario: Scenario, folder: Path, *, speed: float | None) -> None:
        self._scenario = scenario
        self._folder = folder
        self._speed = speed
        self._running = stack_file.read(folder)
        console = Console()
        self.console = console if console.is_terminal else Console(width=_WIDTH_WHEN_PIPED)

    async def run(self) -> bool:
        """Seed, replay, count and show; tell whether all that must be there is there.

        Raises:
            CannotRun: a part of the stack does not answer, or does not get done in time.
        """
        url, directory = self._running.ingest_url, self._running.directory_address
        if url is None or directory is None:
            raise CannotRun("the stack has no gateway or no directory; look into the logs below its folder, under services")
        connection = KafkaConnection(bootstrap=tuple(self._running.kafka_bootstrap.split(",")), client_id="spikewatch-demo")
        # In a thread, because the client of the verb `directory` brings an event loop of its own.
        await asyncio.to_thread(seeding.load_directory, directory, self._scenario.directory)
        keys = await seeding.issue_keys(self._running.mongodb_uri, [sender.agency_id for sender in self._scenario.senders])
        self._keep_keys(keys)
        say(f"the directory holds {len(self._scenario.directory)} records; {len(keys)} agencies have a key")
        async with Replay.at(url, self._scenario, keys) as replay:
            await replay.wait_until_known()
            sent = await replay.run(speed=self._speed, now=system_clock())
            tally = await replay.outcomes(timeout=_SETTLE_S)
        say("waiting until every stage has read its topic to the end")
        await settled(lambda: standing(connection), timeout=_SETTLE_S, on_lag=lambda _: None)
        found = await census(kafka_read(connection))
        return await self._show(found, tally.counts, sent)

    async def _show(self, found: Census, outcomes: Mapping[str, int], sent: int) -> bool:
        listed = checks(found, outcomes, sent=sent, about_overdoses=self._scenario.overdose_records)
        listed += alert_checks(found, self._scenario)
        self.console.print()
        showing.show_stages(self.console, found, outcomes, sent)
        showing.show_checks(self.console, listed)
        showing.show_incidents(self.console, found, self._scenario)
        showing.show_alerts(self.console, list(found.alerts.values()), self._scenario)
        best = alert_to_show(found, self._scenario)
        if best is not None:
            showing.show_alert(self.console, best)
            listed.append(Check("one trace leads from the gateway to the alert", await self._show_trace(trace_ids(best))))
            showing.show_checks(self.console, listed[-1:])
        return all(check.is_true for check in listed)

    async def _show_trace(self, candidates: Sequence[str]) -> bool:
        traced = await whole_trace(self._folder / "traces.sqlite", candidates, timeout=_TRACE_S)
        if traced is None:
            return False
        trace_id, spans = traced
        showing.show_trace(self.console, trace_id, draw(tree(spans, trace_id)))
        return True

    def show_next_steps(self, folder: str, *, is_kept: bool) -> None:
        """Show how to go on; ``folder`` as the person named it."""
        statutory = [sender.agency_id for sender in self._scenario.senders if sender.form == "statutory"]
        showing.next_steps(
            self.console,
            folder=folder,
            is_kept=is_kept,
            url=self._running.ingest_url,
            bootstrap=self._running.kafka_bootstrap,
            agency=(statutory or [sender.agency_id for sender in self._scenario.senders])[0],
        )

    def _keep_keys(self, keys: Mapping[str, str]) -> None:
        """Write the keys for whoever wants to send by hand; readable by the owner alone."""
        folder = self._folder / "keys"
        folder.mkdir(mode=0o700, exist_ok=True)
        for agency, key in keys.items():
            with os.fdopen(os.open(folder / f"{agency}.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(f"{key}\n")
