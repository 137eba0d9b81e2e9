"""Follows receipts until every record of them is processed, and adds up what became of the records."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.replay.gateway import Gateway

__all__ = ["Tally", "follow_receipts"]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


@dataclass(slots=True)
class Tally:
    """What became of the records of processed submissions: counts by result, and every refusal with its reason."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records are accounted for."""
        return self.counts.total()

    def take(self, receipt: dict[str, Any]) -> None:
        """Add a processed receipt."""
        self.counts.update({name: count for name, count in receipt["counts"].items() if count})
        self.refused.extend({"submission_id": receipt["submission_id"], **refusal} for refusal in _refusals(receipt))


def _refusals(receipt: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for record in receipt["records"]:
        if record["result"] == "rejected":
            yield {name: record.get(name) for name in ("index", "reason", "field", "problem", "expected", "example", "topic")}


async def follow_receipts(
    gateway: Gateway,
    status_urls: Sequence[str],
    *,
    timeout: float,
    on_processed: Callable[[int], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> Tally:
    """Return what became of all records; ``on_processed`` gets the number of records of each processed submission.

    Raises:
        CannotRun: some are not processed after ``timeout`` seconds, or the gateway does not answer.
    """
    tally = Tally()
    give_up = seconds() + timeout
    wait = _FIRST_PAUSE
    for done, url in enumerate(status_urls):
        while True:
            receipt = await gateway.outcome(url)
            if receipt["status"] == "processed":
                break
            if seconds() + wait > give_up:
                raise CannotRun(
                    f"{len(status_urls) - done} submissions are not processed after {timeout:g} s; "
                    "see `spikewatch status` for a service that is down or behind."
                )
            await pause(wait)
            wait = min(wait * 2, _LONGEST_PAUSE)
        wait = _FIRST_PAUSE
        before = tally.records
        tally.take(receipt)
        on_processed(tally.records - before)
    return tally
