"""Loads the vocabulary and the case definitions: those that are shipped, or the files that an operator names."""

import hmac
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from spikewatch.ingest.domain.classification import Classifier
from spikewatch.ingest.domain.definitions import Definitions, load_definitions
from spikewatch.ingest.domain.feeds.feed import FILE_KEY
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.vocabulary import Vocabulary, load_vocabulary

__all__ = ["FILE_KEY", "classifier", "definitions", "keyed_hash", "vocabulary"]


def keyed_hash(key: bytes) -> Callable[[str], str]:
    """Return the hash of unlisted names under a key: 16 hex digits."""

    def hashed(name: str) -> str:
        return hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")[:8].hex()

    return hashed


def vocabulary(path: str | None = None) -> Vocabulary:
    """Load a vocabulary file, or the shipped one.

    Raises:
        WrongData: the file cannot be read or is wrong.
    """
    return load_vocabulary(*_text(path, "vocabulary.yaml"))


def definitions(path: str | None = None) -> Definitions:
    """Load a file of case definitions, or the shipped one.

    Raises:
        WrongData: the file cannot be read or is wrong.
    """
    return load_definitions(*_text(path, "definitions.yaml"))


def classifier(key: bytes = FILE_KEY, *, vocabulary_file: str | None = None, definitions_file: str | None = None) -> Classifier:
    """Return the classifier of these files.

    Raises:
        WrongData: a file cannot be read or is wrong; the text names file, line, problem and what is expected.
    """
    return Classifier(vocabulary(vocabulary_file), definitions(definitions_file), keyed_hash(key))


def _text(path: str | None, shipped: str) -> tuple[str, str]:
    if path is None:
        return files(__name__).joinpath(shipped).read_text(encoding="utf-8"), shipped
    try:
        return Path(path).read_text(encoding="utf-8"), path
    except (OSError, UnicodeDecodeError) as error:
        raise WrongData(f"{path}:1: cannot be read ({type(error).__name__}); expected a UTF-8 file") from None
