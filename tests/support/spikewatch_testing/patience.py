"""How long a test waits for what must come: so long that only a hang reaches it, on the slowest machine.

A test that passes never waits it out, so one generous figure costs nothing; a tight one only fails on a machine that is busy.
"""

from typing import Final

__all__ = ["PATIENCE_S"]

PATIENCE_S: Final = 240.0  # below pytest's own limit of 300 s, so that a failure says what did not come
