"""libpostal (a parser, through the PyPI package postal) before the exact dictionary: tried, and told why it is not run."""

from collections.abc import Sequence

from benchmarks.peers.centreline import Segment
from benchmarks.peers.environments import environment
from benchmarks.peers.results import Compared
from benchmarks.peers.strings import Known
from benchmarks.peers.tagged import asked_through

NAME = "libpostal + exact dictionary"
_VERSION = "1.1.11"


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> Compared:
    """Parse with libpostal and look up as it stands. It needs the C library and its model of 2 GB, which PyPI does not bring.

    Raises:
        PeerAbsentError: the package cannot be built, for want of the C library, or the model is missing.
    """
    return asked_through(NAME, environment("libpostal", (f"postal=={_VERSION}",)), "libpostal", f"postal {_VERSION}", sets, pieces)
