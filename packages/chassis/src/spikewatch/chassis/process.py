"""The life of a service's process: it starts, tells its ports, runs until it is told to stop or has failed, and drains."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from spikewatch.chassis.collector import spare_collector
from spikewatch.chassis.outcome import CannotStart, Transient

__all__ = ["Living", "until_stopped"]

_log: Final = logging.getLogger(__name__)
_READY_FILE: Final = "SPIKEWATCH_READY_FILE"


class Living(Protocol):
    """What lives in the process: the runtime."""

    failed: asyncio.Event

    async def wait_ready(self) -> None:
        """Return when it does its work."""

    async def stop(self) -> None:
        """Drain and stop."""

    def ports(self) -> Mapping[str, int]:
        """Return the bound ports by kind."""


async def until_stopped(living: Living, start: Callable[[], Awaitable[None]]) -> int:
    """Start, run until SIGTERM, SIGINT or a failure, stop, and return the exit status.

    The status is 0 after an orderly stop, 1 when a dependency never answered or it failed for good, 2 when it must not start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    status = 0
    try:
        starting = asyncio.create_task(_until_ready(living, start))
        interrupted = asyncio.create_task(stopping.wait())
        await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            _announce(living.ports())
            failed = asyncio.create_task(living.failed.wait())
            await asyncio.wait({interrupted, failed}, return_when=asyncio.FIRST_COMPLETED)
            failed.cancel()
            status = 1 if living.failed.is_set() else 0
        else:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
    except Transient as error:
        _log.error("cannot start", extra={"cause": str(error)})  # the cause is the whole message
        status = 1
    except CannotStart as error:
        _log.error("must not start", extra={"cause": str(error)})  # the cause is the whole message
        status = 2
    finally:
        await living.stop()
    return status


async def _until_ready(living: Living, start: Callable[[], Awaitable[None]]) -> None:
    await start()
    await living.wait_ready()
    spare_collector(collects_between=True)


def _announce(ports: Mapping[str, int]) -> None:
    """Tell whoever started the process which ports were chosen, by an atomic write."""
    if path := os.environ.get(_READY_FILE):
        target = Path(path)
        draft = target.with_suffix(".part")
        draft.write_text(json.dumps({**ports, "pid": os.getpid()}), encoding="utf-8")
        draft.replace(target)
