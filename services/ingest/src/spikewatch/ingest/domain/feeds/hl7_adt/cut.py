"""Cuts a stream of bytes into messages: one message, several, a batch (FHS BHS … BTS FTS), with or without MLLP's framing bytes.

A message is decoded by its own MSH-18. What breaks off, or counts other than it says, ends with a rejected record; those
before it stand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import BinaryIO, Final

from typing_extensions import override

from spikewatch.ingest.domain.record import RawRecord, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["ENCODING_ASSUMED", "LARGEST_MESSAGE", "MessageRecord", "charset_of", "messages"]

ENCODING_ASSUMED: Final = "encoding_assumed"
LARGEST_MESSAGE: Final = 1_048_576
"""Bytes of one message at most."""

_CHUNK: Final = 262_144
_FRAMING: Final = b"\x0b\x1c\r\n \t"
_BOM: Final = b"\xef\xbb\xbf"
# A segment that starts a message or belongs to the batch around it, at the start of a line or of an MLLP frame.
_START: Final = re.compile(rb"[\r\n\x0b\x1c][ \t]{0,16}(?:MSH|FHS|BHS|BTS|FTS)(?=[^\sA-Za-z0-9]|[\r\n]|\Z)")
_LONGEST_START: Final = 20  # blanks, the name and the separator behind it
_EXAMPLE: Final = "MSH|^~\\&|…"
_KNOWN: Final = frozenset({b"MSH", b"FHS", b"BHS", b"BTS", b"FTS"})
# MSH-18 by HL7 table 0211, and the names that people write instead.
_CHARSETS: Final[Mapping[str, str]] = {
    "": "", "ASCII": "", "USASCII": "", "ISOIR6": "",
    "UNICODEUTF8": "utf-8", "UTF8": "utf-8", "UNICODE": "utf-8",
    **{f"8859/{part}": f"iso8859_{part}" for part in (*range(1, 10), 15)},
    **{f"ISO8859/{part}": f"iso8859_{part}" for part in (*range(1, 10), 15)},
    **{f"ISO8859{part}": f"iso8859_{part}" for part in (*range(1, 10), 15)},
    "LATIN1": "iso8859_1", "CP1252": "cp1252", "WINDOWS1252": "cp1252",
    "BIG5": "big5", "GB180302000": "gb18030", "KSX1001": "euc_kr",
}  # fmt: skip
_EXPECTED_CHARSET: Final = "ASCII, 8859/1 to 8859/9, 8859/15, UNICODE UTF-8, BIG-5, GB 18030-2000 or KS X 1001"


@dataclass(slots=True)
class MessageRecord(RawRecord):
    """A message; alone it travels in the encoding that its MSH-18 declares."""

    charset: str = "utf-8"

    @override
    def alone(self) -> bytes:
        """Return this message as a submission of its own."""
        return self.original.encode(self.charset, errors="replace")


@dataclass(slots=True)
class _Batch:
    """What was counted since the batch and the file began; None: none is open."""

    messages: int | None = None
    batches: int | None = None

    def count_message(self) -> None:
        if self.messages is not None:
            self.messages += 1


def messages(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
    """Cut a stream into messages, in the memory of the largest one.

    Raises:
        Rejected: it holds no message at all, is in another encoding, or holds more than the limit.
    """
    for count, record in enumerate(_records(stream)):
        if count >= limit:
            raise over_limit(limit)
        yield record


def _records(stream: BinaryIO) -> Iterator[RawRecord]:
    index, batch = 0, _Batch()
    blocks = _blocks(stream)
    first = next(blocks, None)
    if first is None:
        raise _no_message()
    if first[1][:3] not in _KNOWN:
        # It begins as something else: refused alone only where more follows.
        rejected = _foreign(first[1])
        follower = next(blocks, None)
        if follower is None:
            raise rejected
        yield RawRecord(index, first[0], _start_of(first[1]), rejected=rejected)
        index, first = 1, follower
    for line, block in chain((first,), blocks):
        if block[:3] == b"MSH":
            batch.count_message()
            record: RawRecord | None = _message(index, line, block)
        else:
            record = _around(index, line, block, batch)
        if record is not None:
            yield record
            index += 1
    broken = _unclosed(index, batch)
    if broken is not None:
        yield broken
    elif index == 0:
        raise _no_message()


@lru_cache(maxsize=256)
def charset_of(declared: str) -> str | None:
    """Return Python's name of the encoding that MSH-18 declares, empty where it declares none, or None for one that is not read."""
    first = declared.split("~", 1)[0].strip().upper()
    return _CHARSETS.get(re.sub(r"[\s_-]", "", first))


def _blocks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each message or batch segment, without framing and line ends around it, and the line it starts on."""
    line, buffer, is_first = 1, b"", True
    is_over = False  # the block in hand is too large: its start was yielded, the rest is thrown away
    while True:
        chunk = stream.read(_CHUNK)
        buffer += chunk
        if is_first and (len(buffer) >= len(_BOM) or not chunk):
            buffer = buffer.removeprefix(_BOM)
            is_first = False
        starts = [found.start() + 1 for found in _START.finditer(buffer)]
        # The last block may go on in the next chunk, and so may the name that starts one.
        safe = [at for at in starts if not chunk or at + _LONGEST_START <= len(buffer)]
        edges = [0, *(at for at in safe if at > 0)]
        for start, end in pairwise(edges):
            whole = buffer[start:end]
            block = whole.strip(_FRAMING)
            if block and not is_over:
                yield line, block
            is_over = False
            line += _line_ends(whole)
        buffer = buffer[edges[-1] :]
        if not chunk:
            block = buffer.strip(_FRAMING)
            if block and not is_over:
                yield line, block
            return
        if len(buffer) > LARGEST_MESSAGE + _CHUNK:
            if not is_over:
                yield line, buffer[: LARGEST_MESSAGE + 1]
            is_over = True
            line += _line_ends(buffer[: -_LONGEST_START - 1])
            buffer = buffer[-_LONGEST_START - 1 :]


def _line_ends(block: bytes) -> int:
    feeds = block.count(b"\n")
    return feeds or block.count(b"\r")


def _message(index: int, line: int, block: bytes) -> RawRecord:
    if len(block) > LARGEST_MESSAGE:
        rejected = Rejected(Fault.TOO_LARGE, None, "is too large", f"at most {LARGEST_MESSAGE} bytes a message", "one visit a message")
        return RawRecord(index, line, _start_of(block), rejected=rejected)
    head = block[:4_096].split(b"\r", 1)[0].split(b"\n", 1)[0]
    declared = head.split(head[3:4] or b"|", 18)
    charset = "" if len(declared) <= 17 else charset_of(declared[17].decode("ascii", errors="replace"))
    if charset is None:
        rejected = Rejected(Fault.WRONG_ENCODING, "MSH-18", "names an encoding that is not read", _EXPECTED_CHARSET, "UNICODE UTF-8")
        return MessageRecord(index, line, block.decode("latin-1"), rejected=rejected, charset="latin-1")
    notes: tuple[str, ...] = ()
    try:
        text = block.decode(charset or "utf-8")
    except UnicodeDecodeError:
        if charset:
            rejected = Rejected(Fault.WRONG_ENCODING, "MSH-18", "is not the encoding of the message", _EXPECTED_CHARSET, "8859/1")
            return MessageRecord(index, line, block.decode("latin-1"), rejected=rejected, charset="latin-1")
        # Undeclared and no UTF-8: what Western interfaces then send. latin-1 differs from it in control characters alone.
        text, charset, notes = block.decode("latin-1"), "latin-1", (ENCODING_ASSUMED,)
    charset = charset or "utf-8"
    if "\0" in text[:8]:
        rejected = Rejected(Fault.WRONG_ENCODING, None, "is UTF-16 or UTF-32", "UTF-8, or what MSH-18 declares", "UNICODE UTF-8")
        return MessageRecord(index, line, text, rejected=rejected, charset=charset)
    return MessageRecord(index, line, text, {"message": text, "charset": charset, "notes": notes}, charset=charset)


def _around(index: int, line: int, block: bytes, batch: _Batch) -> RawRecord | None:
    """Follow what stands around messages; return a record only for what is wrong."""
    name = block[:3]
    if name == b"FHS":
        broken = _unclosed(index, batch)
        batch.batches, batch.messages = 0, None
        return broken
    if name == b"BHS":
        broken = (
            None
            if batch.messages is None
            else _rejected(index, line, "BHS", "begins before the batch above ends", "BTS before the next BHS")
        )
        batch.messages = 0
        if batch.batches is not None:
            batch.batches += 1
        return broken
    if name == b"BTS":
        counted, batch.messages = batch.messages, None
        return _count_differs(index, line, block, "BTS", counted, "messages")
    is_open, counted = batch.messages is not None, batch.batches
    batch.messages = batch.batches = None
    if is_open:
        return _rejected(index, line, "FTS", "ends the file before its batch ends", "BTS before FTS")
    return _count_differs(index, line, block, "FTS", counted, "batches")


def _foreign(block: bytes) -> Rejected:
    if b"\0" in block[:8] or block[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Rejected(Fault.WRONG_ENCODING, None, "is UTF-16 or UTF-32", "UTF-8, or what MSH-18 declares", "UNICODE UTF-8")
    return Rejected(Fault.MALFORMED, "MSH", "is not how it begins", "a file of messages that begin with MSH", _EXAMPLE)


def _no_message() -> Rejected:
    return Rejected(Fault.MALFORMED, None, "holds no HL7 message", "at least one message that begins with MSH", _EXAMPLE)


def _count_differs(index: int, line: int, block: bytes, name: str, counted: int | None, what: str) -> RawRecord | None:
    if counted == 0 and name == "FTS":
        return None  # messages without a batch around them, or an empty file: senders count these as 0 or as 1
    if counted is None:
        return _rejected(index, line, name, f"ends what never began: there is no {name[0]}HS before it", f"{name[0]}HS, messages, {name}")
    mark = block[3:4]
    said = block.split(mark, 2)[1].strip() if mark and mark in block else b""
    said = re.split(rb"[\r\n]", said, maxsplit=1)[0]
    if not said or (said.isdigit() and int(said[:12]) == counted):
        return None
    return _rejected(index, line, f"{name}-1", f"counts other {what} than stand before it", f"the number of {what}", str(counted))


def _unclosed(index: int, batch: _Batch) -> RawRecord | None:
    if batch.messages is not None:
        return _rejected(index, 1, "BTS", "is missing: the batch breaks off", "BTS after the last message", "BTS|3")
    if batch.batches is not None:
        return _rejected(index, 1, "FTS", "is missing: the file breaks off", "FTS after the last batch", "FTS|1")
    return None


def _rejected(index: int, line: int, field: str, problem: str, expected: str, example: str = "FHS, BHS, messages, BTS, FTS") -> RawRecord:
    # Its text is none of a person's: the dead letter says only where in the submission it was.
    return RawRecord(index, line, field[:3], rejected=Rejected(Fault.MALFORMED, field, problem, expected, example))


def _start_of(block: bytes) -> str:
    return block[:LARGEST_MESSAGE].decode("utf-8", errors="replace")
