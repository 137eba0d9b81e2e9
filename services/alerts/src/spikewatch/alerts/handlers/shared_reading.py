"""Contributions of one incident differ in their area alone: what stands behind it is read once for all of them."""

import re
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from pydantic import TypeAdapter

from spikewatch.alerts.domain.contributed import Contributed, Told, contributed_of
from spikewatch.contracts.contribution import Contribution
from spikewatch.contracts.reading import read_json

__all__ = ["SharedReading"]

_AREA: Final = re.compile(rb'\{"area":"([a-z0-9_]+:[A-Za-z0-9][A-Za-z0-9._-]{0,126})"(?=,"incident_id":)')
# Some 1.4 kilobytes each. The areas of an incident lie in several partitions, and behind a backlog a batch is of one partition: by the time
# that the last partition tells of an incident, those before have told of some fifty thousand others (twelve of them, ten thousand each).
_MOST: Final = 65_536
_DIGEST: Final = 16  # bytes: nobody finds another text of the same digest, and it is a fortieth of the text


class SharedReading:
    """Reads contributions as the model does. Those whose bytes behind the area were seen lately share all but the area."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Contribution)
        self._known: OrderedDict[bytes, Told] = OrderedDict()

    def __call__(self, value: bytes) -> Contributed:
        """Return the contribution.

        Raises:
            ValidationError: it is none.
        """
        start = _AREA.match(value)
        if start is None:
            return contributed_of(read_json(self._adapter, value))
        behind = blake2b(memoryview(value)[start.end() :], digest_size=_DIGEST).digest()
        known = self._known.get(behind)
        if known is not None:
            return Contributed(start[1].decode(), known)
        contributed = contributed_of(read_json(self._adapter, value))
        if contributed.area == start[1].decode():  # else it names an area twice, and the later one, which is behind, counts
            self._known[behind] = contributed.told
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return contributed
