"""Folds what people type to upper case ASCII, one space between words, and nothing that could surprise what reads it."""

import re
import unicodedata
from typing import Final

__all__ = ["LONGEST", "fold", "fold_name"]

LONGEST: Final = 300
"""Characters of an address that are read. Longer text is no address: the longest real ones in dispatch files have about 120."""

# Kept: letters, digits and what separates parts. Brackets and quotes of all kinds go; a full stop is handled before.
_KEPT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/&@,:#-()+")
_TABLE: Final = {
    code: chr(code)
    if chr(code) in _KEPT
    else None
    if chr(code) in "'`\x00"
    else "/"
    if chr(code) in "\\|"
    else ","
    if chr(code) == ";"
    else " "
    for code in range(128)
}
_FULL_STOP: Final = re.compile(r"\.(?=[A-Z]{2})|(?<=\d)\.(?=\d)")  # ST.GERMAIN and unit 3.12.05, but not U.S. 40
_MARKS: Final = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u02bb": "'",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00bd": " 1/2",
        "\u00df": "SS",
        "\u00d8": "O",
        "\u00c6": "AE",
        "\u0141": "L",
    }
)


def fold(text: str) -> str:
    """Return the text in upper case ASCII without control characters, accents and doubled spaces; empty when nothing is left."""
    folded = text.upper()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(_MARKS)).encode("ascii", "ignore").decode().upper()
    if "." in folded:
        folded = _FULL_STOP.sub(" ", folded.replace(". ", " ")).replace(".", "")
    return " ".join(folded.translate(_TABLE).split())


def fold_name(text: str) -> str:
    """Return a name of a street, city or landmark folded, with nothing but letters, digits and spaces."""
    folded = fold(text[:LONGEST])
    for mark in "/&@,:#-()+":
        if mark in folded:
            folded = folded.replace(mark, " AND " if mark == "&" else " ")
    return " ".join(folded.split())
