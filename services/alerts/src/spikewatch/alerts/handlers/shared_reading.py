"""Contributions of one incident differ in their area alone: what stands behind it is read once for all of them."""

import re
from collections import OrderedDict
from typing import Final

from pydantic import TypeAdapter

from spikewatch.contracts.contribution import Contribution
from spikewatch.contracts.reading import read_json

__all__ = ["SharedReading"]

_AREA: Final = re.compile(rb'\{"area":"([a-z0-9_]+:[A-Za-z0-9][A-Za-z0-9._-]{0,126})"(?=,"incident_id":)')
# Some three kilobytes each. The areas of an incident lie in several partitions, and behind a backlog a batch is of one partition: that
# of the next tells of the same incidents.
_MOST: Final = 16_384


class SharedReading:
    """Reads contributions as the model does. Those whose bytes behind the area were seen lately share all but the area."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Contribution)
        self._known: OrderedDict[bytes, Contribution] = OrderedDict()

    def __call__(self, value: bytes) -> Contribution:
        """Return the contribution.

        Raises:
            ValidationError: it is none.
        """
        start = _AREA.match(value)
        if start is None:
            return read_json(self._adapter, value)
        area, behind = start[1].decode(), value[start.end() :]
        known = self._known.get(behind)
        if known is not None:
            return known.changed(area=area)
        contribution = read_json(self._adapter, value)
        if contribution.area == area:  # else it names an area twice, and the later one, which is behind, counts
            self._known[behind] = contribution
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return contribution
