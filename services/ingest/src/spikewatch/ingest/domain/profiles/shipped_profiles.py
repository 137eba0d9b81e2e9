"""The profiles that come with Spikewatch: each a YAML file beside this module and a feed of the same name."""

from importlib.resources import files
from typing import Final

from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.profiles.checking import parse_profile
from spikewatch.ingest.domain.profiles.compiled import compile_profile

__all__ = ["SHIPPED", "shipped_feeds", "shipped_text"]

SHIPPED: Final = ("me_connecticut", "me_cook", "me_allegheny")
"""Their names, in the order in which formats are listed."""


def shipped_text(name: str) -> str:
    """Return the YAML of one of them."""
    return files("spikewatch.ingest.domain.profiles").joinpath("shipped", f"{name}.yaml").read_text(encoding="utf-8")


def shipped_feeds() -> tuple[Feed, ...]:
    """Return the feeds that they make."""
    return tuple(compile_profile(parse_profile(shipped_text(name), {}), {}, name=name) for name in SHIPPED)
