"""Cuts the text of an EMSDataSet into its reports without parsing it, so that one broken report cannot spoil the others.

Only the few tags that frame a report are looked for; comments and CDATA sections are stepped over. What lies between two
frames is kept whole for a parser, at most ``MOST_BYTES`` of it.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from spikewatch.ingest.domain.feeds.nemsis.encoding import HEAD_BYTES, START_TAG

__all__ = ["MOST_BYTES", "Kind", "Piece", "pieces"]

MOST_BYTES: Final = 8_388_608  # a report with its waveforms and scanned pages

_FRAMES: Final = "EMSDataSet|Header|DemographicGroup|eCustomConfiguration|PatientCareReport"
_TOKEN: Final = re.compile(rb"<!--|<!\[CDATA\[|<\?|<(/?)(?:[A-Za-z_][\w.-]{0,30}:)?(" + _FRAMES.encode() + rb")(?=[\s/>])")
_MARGIN: Final = 64  # longer than the longest token
_SKIPS: Final = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_ROOT: Final = b"EMSDataSet"
_HEADER: Final = b"Header"
_GROUP: Final = b"DemographicGroup"
_REPORT: Final = b"PatientCareReport"


class Kind(Enum):
    """What a piece of the document is."""

    ROOT = auto()
    ROOT_END = auto()
    HEADER = auto()
    HEADER_END = auto()
    GROUP = auto()
    REPORT = auto()
    BROKEN = auto()
    LARGE = auto()
    STRAY = auto()


class Piece(NamedTuple):
    """A piece, its text, and the line it begins on. Only ``GROUP`` and ``REPORT`` are whole elements."""

    kind: Kind
    text: bytes
    line: int


def pieces(blocks: Iterator[bytes], line: int) -> Iterator[Piece]:
    """Cut blocks of UTF-8 text, the first of them beginning on a line, into pieces."""
    return _Cutter(blocks, line).run()


class _Cutter:
    def __init__(self, blocks: Iterator[bytes], line: int) -> None:
        self._blocks = blocks
        self._data = next(blocks, b"")
        self._at = 0  # looked at so far
        self._open: bytes | None = None  # the frame that is open
        self._from = 0  # where it began; when none is open: where text begins that belongs to no frame
        self._is_large = False
        self._skip: bytes | None = None
        self._stray = bytearray()
        self._stray_line = 0
        self._counted, self._line = 0, line
        self._is_over = False

    def run(self) -> Iterator[Piece]:
        while True:
            if self._skip is not None and not self._skipped():
                if self._more():
                    continue
                break
            match = _TOKEN.search(self._data, self._at)
            if match is None:
                self._at = max(self._at, len(self._data) - _MARGIN)
                if self._more():
                    continue
                break
            name = match[2]
            if name is None:
                if self._open is None and match[0] != b"<![CDATA[":
                    self._unclaimed(match.start())
                self._skip, self._at = _SKIPS[match[0]], match.end()
            elif self._open is None:
                yield from self._outside(match.start(), match.end(), name, is_end=bool(match[1]))
            else:
                yield from self._inside(match.start(), match.end(), name, is_end=bool(match[1]))
        yield from self._rest()

    def _outside(self, start: int, end: int, name: bytes, *, is_end: bool) -> Iterator[Piece]:
        self._unclaimed(start)
        if is_end:
            close = self._data.find(b">", end)
            if close < 0 and self._again(start):
                return
            if name in {_HEADER, _ROOT}:
                yield from self._strays()
                yield Piece(Kind.HEADER_END if name == _HEADER else Kind.ROOT_END, b"", self._line_of(start))
                self._at = self._from = max(close + 1, end)
            else:  # the end of a frame that was never opened
                self._at = end
            return
        match = START_TAG.match(self._data, start)
        if match is None and len(self._data) - start < HEAD_BYTES and self._again(start):
            return
        if match is None and name != _REPORT:
            self._at = end
            return
        yield from self._strays()
        tag = match[0] if match else b""
        line = self._line_of(start)
        self._at = self._from = match.end() if match else end
        is_empty = tag.endswith(b"/>")
        if name in {_ROOT, _HEADER}:
            kinds = (Kind.ROOT, Kind.ROOT_END) if name == _ROOT else (Kind.HEADER, Kind.HEADER_END)
            yield Piece(kinds[0], tag, line)
            if is_empty:
                yield Piece(kinds[1], b"", line)
        elif not is_empty:
            self._open, self._from, self._is_large = name, start, False
        elif name == _REPORT:
            yield Piece(Kind.REPORT, tag, line)

    def _inside(self, start: int, end: int, name: bytes, *, is_end: bool) -> Iterator[Piece]:
        if is_end and name == self._open:
            close = self._data.find(b">", end)
            if close < 0 and self._again(start):
                return
            yield from self._closed(max(close + 1, end), is_whole=True)
            return
        breaks = name in {_ROOT, _HEADER} or (not is_end and name in {_REPORT, _GROUP})
        if breaks:
            yield from self._closed(start, is_whole=False)
        self._at = start if breaks else end

    def _closed(self, end: int, *, is_whole: bool) -> Iterator[Piece]:
        line = self._line_of(self._from)
        text = b"" if self._is_large else self._data[self._from : end]
        if self._is_large or len(text) > MOST_BYTES:
            yield Piece(Kind.LARGE, b"", line)
        elif not is_whole:
            yield Piece(Kind.BROKEN, text, line)
        elif self._open in {_GROUP, _REPORT}:
            yield Piece(Kind.GROUP if self._open == _GROUP else Kind.REPORT, text, line)
        self._open, self._at, self._from = None, end, end

    def _rest(self) -> Iterator[Piece]:
        if self._open is not None:
            yield from self._closed(len(self._data), is_whole=False)
            return
        if self._skip in {None, b"]]>"}:
            self._unclaimed(len(self._data))
        elif not self._stray:  # a comment that never ends hides all that follows
            self._stray_line = self._line_of(self._from)
            self._stray += b"<!--"
        yield from self._strays()

    def _unclaimed(self, end: int) -> None:
        """Take the text before a position as belonging to nothing, unless it is blank."""
        text = self._data[self._from : end].strip()
        if text:
            if not self._stray:
                self._stray_line = self._line_of(self._from)
            self._stray += text[: max(0, HEAD_BYTES - len(self._stray))]
        self._from = end

    def _strays(self) -> Iterator[Piece]:
        if self._stray:
            yield Piece(Kind.STRAY, bytes(self._stray), self._stray_line)
            self._stray.clear()

    def _skipped(self) -> bool:
        """Step over a comment and return True, or False when its end is not in the buffer."""
        assert self._skip is not None  # noqa: S101  # asked for by run() only then
        found = self._data.find(self._skip, self._at)
        if found < 0:
            self._at = max(self._at, len(self._data) - 2)
            if self._open is None and self._skip != b"]]>":
                self._from = self._at
            return False
        self._at = found + len(self._skip)
        if self._open is None and self._skip != b"]]>":
            self._from = self._at
        self._skip = None
        return True

    def _again(self, at: int) -> bool:
        """Get more text to look at the same place once more; False when there is none."""
        self._at = at
        return self._more()

    def _more(self) -> bool:
        if self._is_over:
            return False
        block = next(self._blocks, None)
        if block is None:
            self._is_over = True
            return False
        if self._open is not None and self._at - self._from > MOST_BYTES:
            self._line_of(self._from)
            self._is_large, self._from = True, self._at
        elif self._open is None and self._at - self._from > HEAD_BYTES:
            self._unclaimed(self._at)
        drop = min(self._from, self._at)
        self._line_of(drop)
        self._data = self._data[drop:] + block
        self._at, self._from, self._counted = self._at - drop, self._from - drop, 0
        return True

    def _line_of(self, at: int) -> int:
        if at > self._counted:
            self._line += self._data.count(b"\n", self._counted, at)
            self._counted = at
        return self._line
