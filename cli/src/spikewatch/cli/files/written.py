"""Opens what a verb writes to: a file, gzipped by its name, or standard output."""

import gzip
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT

__all__ = ["written"]


def written(stack: ExitStack, name: str) -> IO[str]:
    """Return a text stream that the stack closes.

    Raises:
        CannotRun: it cannot be written.
    """
    if name == STANDARD_INPUT:
        return sys.stdout
    try:
        if name.endswith(".gz"):
            return stack.enter_context(gzip.open(name, "wt", encoding="utf-8", newline=""))
        return stack.enter_context(Path(name).open("w", encoding="utf-8", newline=""))
    except OSError as error:
        raise CannotRun(f"{name} cannot be written ({type(error).__name__}); check its folder") from None
