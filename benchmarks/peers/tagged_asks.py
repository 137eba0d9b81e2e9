"""Runs in a parser's own environment: reads {"parser", "sets", "streets"} as JSON, writes places and seconds of each set.

The dictionary is exact: names in capitals as the city writes them, no offset from the middle line, no second try.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

Place = tuple[float, float] | None
Parse = Callable[[str], tuple[str, list[str]]]  # the house number ("" for none), and the street or the two streets of a crossing


def main() -> None:
    task = json.load(sys.stdin)
    parse = _PARSERS[task["parser"]]()
    streets = task["streets"]
    told = {}
    for name, texts in task["sets"].items():
        parse(texts[0])
        started = time.perf_counter()
        places = [_place(streets, *parse(text)) for text in texts]
        told[name] = {"places": places, "seconds": time.perf_counter() - started}
    json.dump(told, sys.stdout)


def _place(streets: dict[str, list[Any]], number: str, names: list[str]) -> Place:
    if len(names) == 2:
        return _corner(streets.get(names[0], []), streets.get(names[1], []))
    if not names or not number.isdecimal():
        return None
    house = int(number)
    for left, right, _, line in streets.get(names[0], []):
        for start, end in (left, right):
            if min(start, end) <= house <= max(start, end) and end and (house - start) % 2 == 0:
                share = (house - start) / (end - start) if end != start else 0.5
                (lon, lat), (end_lon, end_lat) = line[0], line[-1]
                return lat + (end_lat - lat) * share, lon + (end_lon - lon) * share
    return None


def _corner(one: list[Any], other: list[Any]) -> Place:
    nodes = {node for _, _, ends, _ in other for node in ends}
    for _, _, ends, line in one:
        for node, (lon, lat) in zip(ends, (line[0], line[-1]), strict=True):
            if node in nodes:
                return lat, lon
    return None


def _usaddress() -> Parse:
    usaddress = importlib.import_module("usaddress")  # each parser lives in an environment of its own

    def parse(text: str) -> tuple[str, list[str]]:
        try:
            parts, kind = usaddress.tag(text)
        except usaddress.RepeatedLabelError:
            return "", []
        of = {label: word.upper().strip(" ,.") for label, word in parts.items()}
        labels = ("StreetNamePreDirectional", "StreetNamePreModifier", "StreetNamePreType", "StreetName", "StreetNamePostType",
                  "StreetNamePostDirectional")  # fmt: skip
        name = " ".join(of[label] for label in labels if label in of)
        if kind == "Intersection":
            second = " ".join(of[f"Second{label}"] for label in labels if f"Second{label}" in of)
            return "", [name, second]
        return of.get("AddressNumber", ""), [name]

    return parse


def _libpostal() -> Parse:
    parse_address = importlib.import_module("postal.parser").parse_address

    def parse(text: str) -> tuple[str, list[str]]:
        of = {label: word.upper() for word, label in parse_address(text)}
        return of.get("house_number", ""), [of["road"]] if "road" in of else []

    return parse


_PARSERS: dict[str, Callable[[], Parse]] = {"usaddress": _usaddress, "libpostal": _libpostal}


if __name__ == "__main__":
    main()
