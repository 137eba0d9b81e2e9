"""Profiles in files: read, checked, made into a feed."""

from pathlib import Path

from spikewatch.cli.exit_status import CannotRun
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.profiles.checking import ProfileInvalid

__all__ = ["feed_of_profile", "text_of_profile"]


def text_of_profile(path: Path) -> str:
    """Return a profile's text.

    Raises:
        CannotRun: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path} cannot be read ({type(error).__name__}); give the path of a profile in YAML") from None


def feed_of_profile(path: Path) -> Feed:
    """Return the feed that a profile describes.

    Raises:
        CannotRun: the file cannot be read or the profile is not right; every problem is told.
    """
    try:
        _, feed = compiled(text_of_profile(path))
    except ProfileInvalid as error:
        told = "".join(f"\n  {problem}" for problem in error.problems)
        raise CannotRun(f"{path} is no profile that can be used:{told}") from None
    return feed
