"""The garbage collector of a process that makes many objects a second and keeps few."""

import gc
from typing import Final

__all__ = ["spare_collector"]

# Some megabytes of young objects; benchmarks/README.md shows that memory stays flat with it.
_YOUNG_OBJECTS: Final = 50_000
# Of younger collections to the next older one. With twenty ingest grew by 375 MiB over a million reports, with five it stands: few
# objects may hold much, as a request in a cycle holds its body, and the oldest collection came once in twenty million objects.
_YOUNGER_ONES: Final = 5


def spare_collector() -> None:
    """Keep the collector from walking what lives as long as the process, and from looking at each batch many times over.

    Call it once everything is loaded. A batch makes some hundred thousand objects, hardly any of them in cycles: reference
    counts free them. By default the collector starts after every seven hundred.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNGER_ONES, _YOUNGER_ONES)
