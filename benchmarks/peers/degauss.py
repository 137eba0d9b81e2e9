"""DeGAUSS: its geocoder is Ruby and C around a database of TIGER files, delivered as a container image."""

from collections.abc import Sequence
from typing import NoReturn

from benchmarks.peers.centreline import Segment
from benchmarks.peers.results import PeerAbsentError
from benchmarks.peers.strings import Known

NAME = "DeGAUSS"


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> NoReturn:
    """Tell why it is not run.

    Raises:
        PeerAbsentError: always.
    """
    raise PeerAbsentError(
        "It is delivered as a container image and a source repository only: Debian has no package of it (its ruby-geocoder asks web services "
        "and is another program), PyPI has none, and an image could not be given this centreline in place of the TIGER database that it holds"
    )
