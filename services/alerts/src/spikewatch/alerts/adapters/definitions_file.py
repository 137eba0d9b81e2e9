"""Reads from a file of case definitions, as ingest reads it in full, which there are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS
from spikewatch.contracts.contract import Contract

__all__ = ["UnusableDefinitions", "known_definitions"]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnusableDefinitions(ValueError):  # noqa: N818  # named by its consequence
    """A file of which nobody can tell what definitions it holds."""


class _Defined(Contract):
    id: str
    version: int
    hidden: bool = False


_DEFINED: Final = TypeAdapter(list[_Defined])


def known_definitions(path: Path | None) -> Mapping[str, int]:
    """Return the version of each definition that reports may name, by id; without a file those that are shipped.

    Raises:
        UnusableDefinitions: it cannot be read, or is no such file.
    """
    if path is None:
        return SHIPPED_DEFINITIONS
    try:
        content: Any = yaml.load(path.read_text("utf-8-sig"), Loader=_LOADER)  # noqa: S506  # a safe loader, in C where there is one
        found = _DEFINED.validate_python(content["definitions"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, RecursionError, ValidationError) as error:
        why = f"{path.name} cannot be used ({type(error).__name__}); expected a file of case definitions, as ingest reads it"
        raise UnusableDefinitions(why) from None
    return {one.id: one.version for one in found if not one.hidden}
