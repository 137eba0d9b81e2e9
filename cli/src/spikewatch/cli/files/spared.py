"""Keeps what a verb writes off what it reads: a file that is opened to be written is empty before it is read."""

from collections.abc import Iterable
from pathlib import Path

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT

__all__ = ["spare"]


def spare(read: Iterable[str | None], write: Iterable[str | None]) -> None:
    """Refuse to write over a file that is read, two things to one file, or where no folder is; None, nothing and ``-`` are no files.

    It is asked before work begins, which may be long.

    Raises:
        CannotRun: a file would be lost, or could not be made.
    """
    sources = [Path(name) for name in read if name and name != STANDARD_INPUT]
    taken: set[Path] = set()
    for name in write:
        if not name or name == STANDARD_INPUT:
            continue
        path = Path(name)
        if path.is_file() and any(one.exists() and one.samefile(path) for one in sources):
            raise CannotRun(f"{name} is a file that is read; write to another one")
        if not path.parent.is_dir():
            raise CannotRun(f"{name} cannot be written, there is no folder {path.parent}; make it, or write to another one")
        if path.resolve() in taken:
            raise CannotRun(f"{name} is named twice to be written to; give each its own file")
        taken.add(path.resolve())
