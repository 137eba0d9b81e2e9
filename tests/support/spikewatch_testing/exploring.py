"""How many inputs a property is tried on, and which: the same few in the gate, many others at random when asked for.

`SPIKEWATCH_TEST_EXPLORE=20` makes every property test take twenty times as many inputs, drawn anew on each run; without it
each takes the same inputs on every machine and on every run, so that a change is judged by what it changes.
"""

import os
from typing import Final

from hypothesis import settings

__all__ = ["EXPLORE", "TIMES", "examples", "load_profile"]

EXPLORE: Final = "SPIKEWATCH_TEST_EXPLORE"
TIMES: Final = int(os.environ.get(EXPLORE) or 0)  # 0: the gate


def examples(gate: int) -> int:
    """Return how many inputs to try, of the number that suffices in the gate."""
    return gate * max(1, TIMES)


def load_profile() -> None:
    """Choose Hypothesis's settings for the run: nothing depends on the machine's speed, and the gate draws the same inputs each time."""
    settings.register_profile("gate", deadline=None, derandomize=True, max_examples=examples(50))
    settings.register_profile("explore", deadline=None, max_examples=examples(50), print_blob=True)
    settings.load_profile("explore" if TIMES else "gate")
