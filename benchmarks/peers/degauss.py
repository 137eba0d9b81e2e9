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
        "It is delivered as a container image and a source repository: neither Debian (whose ruby-geocoder is another program, which asks "
        "web services) nor PyPI has a package of it, and no registry of Ruby's packages or of containers was reachable when this was made"
    )
