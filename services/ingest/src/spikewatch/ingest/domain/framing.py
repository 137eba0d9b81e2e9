"""A whole Kafka record as one text of bytes, never longer than Kafka's own form of it, so that what fitted before fits again."""

from collections.abc import Sequence
from typing import Final

__all__ = ["frame", "unframe"]

_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80

Headers = Sequence[tuple[str, bytes | None]]


def frame(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """Return key, value and headers as one."""
    parts = [_length(key), _length(value)]
    for name, content in headers:
        encoded = name.encode(errors="surrogatepass")
        parts += [_length(encoded), encoded, _length(content), content or b""]
    parts[2:2] = [_number(len(headers)), key or b"", value or b""]
    return b"".join(parts)


def unframe(framed: bytes) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]:
    """Return key, value and headers.

    Raises:
        ValueError: it was not framed.
    """
    reader = _Reader(framed)
    key_length, value_length, count = reader.number(), reader.number(), reader.number()
    key, value = reader.part(key_length), reader.part(value_length)
    headers = tuple(
        ((reader.part(reader.number()) or b"").decode(errors="surrogatepass"), reader.part(reader.number())) for _ in range(count)
    )
    return key, value, headers


def _number(number: int) -> bytes:
    encoded = bytearray()
    while number > _SEVEN_BITS:
        encoded.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _length(part: bytes | None) -> bytes:
    # Nothing at all is another thing than no bytes.
    return _number(0 if part is None else len(part) + 1)


class _Reader:
    def __init__(self, framed: bytes) -> None:
        self._framed = framed
        self._at = 0

    def number(self) -> int:
        number = shift = 0
        while True:
            if self._at >= len(self._framed):
                raise ValueError("ends too early")
            byte = self._framed[self._at]
            self._at += 1
            number |= (byte & _SEVEN_BITS) << shift
            shift += 7
            if not byte & _MORE:
                return number

    def part(self, length: int) -> bytes | None:
        if length == 0:
            return None
        end = self._at + length - 1
        if end > len(self._framed):
            raise ValueError("ends too early")
        part = self._framed[self._at : end]
        self._at = end
        return part
