"""The feeds that a profile may be based on, with the options of each, and the whole way from a text to a feed."""

from collections.abc import Mapping
from typing import Final

from spikewatch.ingest.domain.feeds import FEEDS, cad_911
from spikewatch.ingest.domain.feeds.call_titles import TitleMeaning, TitleRule
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.profiles.checking import ProfileInvalid, ProfileProblem, parse_profile
from spikewatch.ingest.domain.profiles.compiled import Base, compile_profile, options_of
from spikewatch.ingest.domain.profiles.model import Profile
from spikewatch.ingest.domain.rejection import Rejected

__all__ = ["BASES", "compiled"]


def _as_it_is(feed: Feed) -> tuple[frozenset[str], Base]:
    return frozenset(), lambda _options: feed


def _calls(options: Mapping[str, tuple[str, ...]]) -> Feed:
    # Other before the rest: an exception that is named must win over a pattern that is wide.
    order = (("other_titles", TitleMeaning.OTHER), ("overdose_titles", TitleMeaning.SUSPECTED), ("watched_titles", TitleMeaning.WATCH))
    return cad_911.with_titles([TitleRule(pattern, means) for name, means in order for pattern in options.get(name, ())])


BASES: Final[Mapping[str, tuple[frozenset[str], Base]]] = {
    **{name: _as_it_is(feed) for name, feed in FEEDS.items()},
    cad_911.FEED.name: (frozenset({"overdose_titles", "watched_titles", "other_titles"}), _calls),
}
"""Every feed by its name, with the names of its options and what makes it out of them."""


def compiled(text: str) -> tuple[Profile, Feed]:
    """Return the profile of a text and the feed it describes.

    Raises:
        ProfileInvalid: with every problem.
    """
    profile = parse_profile(text, options_of(BASES))
    try:
        return profile, compile_profile(profile, BASES)
    except Rejected as rejected:
        problem = ProfileProblem(1, "options", rejected.problem, rejected.expected, rejected.example)
        raise ProfileInvalid([problem]) from None
