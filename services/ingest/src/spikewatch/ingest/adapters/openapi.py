"""The gateway's OpenAPI document: the written part, with the formats and media types that the registry has."""

import json
from collections.abc import Mapping
from importlib.resources import files

from spikewatch.ingest.domain.feeds.feed import Feed

__all__ = ["document"]


def document(feeds: Mapping[str, Feed], aliases: Mapping[str, str]) -> bytes:
    """Return the document in JSON.

    Args:
        feeds: the formats that are taken, by name.
        aliases: further names of media types, each with what it is taken as.
    """
    written = json.loads(files("spikewatch.ingest.adapters").joinpath("openapi.json").read_bytes())
    submit = written["paths"]["/v1/submissions"]["post"]
    for parameter in submit["parameters"]:
        if parameter["name"] in {"format", "Spikewatch-Format"}:
            parameter["schema"]["enum"] = list(feeds)
            parameter["description"] += " " + "; ".join(f"{feed.name}: {feed.summary}" for feed in feeds.values()) + "."
    content = submit["requestBody"]["content"]
    taken: dict[str, list[str]] = {}
    for feed in feeds.values():
        for media_type in feed.splits:
            taken.setdefault(media_type, []).append(feed.name)
    for alias, media_type in aliases.items():
        if media_type in taken:
            taken[alias] = taken[media_type]
    for media_type, names in taken.items():
        described = content.setdefault(media_type, {"schema": {"description": ""}})["schema"]
        described["description"] = f"{described.get('description', '')} Taken for {', '.join(names)}.".strip()
    return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()
