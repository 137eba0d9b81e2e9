"""What the exit status of every verb means, and the exception that ends a verb with status 2."""

from typing import Final

__all__ = ["CANNOT_RUN", "DONE", "REFUSED_ROWS", "CannotRun"]

DONE: Final = 0
REFUSED_ROWS: Final = 1  # done, but some rows were refused and counted on standard error
CANNOT_RUN: Final = 2


class CannotRun(Exception):  # noqa: N818  # named by its consequence
    """The verb cannot do its work; the text is one sentence that says what to do. Ends the command with status 2."""
