"""The garbage collector of a process that makes many objects a second and keeps few."""

import gc
from itertools import count
from typing import Final

__all__ = ["collect_cycles", "spare_collector"]

# Some megabytes of young objects; benchmarks/README.md shows that memory stays flat with it.
_YOUNG_OBJECTS: Final = 50_000
# Where cycles are collected in between, a whole batch may pass first: what it made is freed at its end, by reference counts.
_OBJECTS_OF_A_BATCH: Final = 500_000
# Of younger collections to the next older one. With twenty ingest grew by 375 MiB over a million reports, with five it stands: few
# objects may hold much, as a request in a cycle holds its body, and the oldest collection came once in twenty million objects.
_YOUNGER_ONES: Final = 5
# What has lived through one look is left out of those that follow, but for one in so many: a service holds a million objects, and
# looking through all of them takes half a second and more.
_LOOKS_TO_ALL: Final = 15

_looks = count(1)


def spare_collector(*, collects_between: bool = False) -> None:
    """Keep the collector from walking what lives as long as the process, and from looking at each batch many times over.

    Call it once everything is loaded. A batch makes some hundred thousand objects, hardly any of them in cycles: reference
    counts free them. By default the collector starts after every seven hundred. With ``collects_between`` the process calls
    ``collect_cycles`` every few seconds, and the collector hardly ever starts inside a batch: a fifth of what matching takes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_OF_A_BATCH if collects_between else _YOUNG_OBJECTS, _YOUNGER_ONES, _YOUNGER_ONES)


async def collect_cycles() -> None:
    """Free what only refers to itself of what came since the last call, and now and then of everything."""
    if next(_looks) % _LOOKS_TO_ALL == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
