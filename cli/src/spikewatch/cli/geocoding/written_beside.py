"""Opens what is written while a file is read, which must not be that file: it would be emptied before it was read."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT
from spikewatch.cli.files.written import written

__all__ = ["written_beside"]


def written_beside(stack: ExitStack, name: str, read: str) -> IO[str]:
    """Return a text stream that the stack closes.

    Args:
        stack: closes it.
        name: what is written, ``-`` for standard output.
        read: the file that is being read.

    Raises:
        CannotRun: it is the file that is being read, or cannot be written.
    """
    if STANDARD_INPUT not in {name, read} and Path(name).exists() and Path(name).samefile(read):
        raise CannotRun(f"{name} is the file that is read; write to another one")
    return written(stack, name)
