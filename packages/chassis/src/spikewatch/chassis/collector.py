"""The garbage collector of a process that makes many objects a second and keeps few."""

import gc
from typing import Final

__all__ = ["spare_collector"]

# Some megabytes of young objects; benchmarks/README.md shows that memory stays flat with it.
_YOUNG_OBJECTS: Final = 50_000
# Of younger collections to the next older one. Few objects may hold much: a request that ended in a cycle holds its whole body, and
# with the usual 10 and 10, or more, some hundred megabytes of them waited for the oldest collection.
_YOUNGER_ONES: Final = 5


def spare_collector() -> None:
    """Keep the collector from walking what lives as long as the process, and from looking at each batch many times over.

    Call it once everything is loaded. A batch makes some hundred thousand objects, hardly any of them in cycles: reference
    counts free them. By default the collector starts after every seven hundred.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNGER_ONES, _YOUNGER_ONES)
