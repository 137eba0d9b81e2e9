"""Reads the NEMSIS schema files that an operator gives; none are shipped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from spikewatch.ingest.domain.feeds import FEEDS, nemsis
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.feeds.nemsis.document import Check
from spikewatch.ingest.domain.feeds.nemsis.schema import check_against

__all__ = ["UnusableSchemas", "feeds_checked_by", "nemsis_check"]

_MAIN: Final = "EMSDataSet_v3.xsd"


class UnusableSchemas(Exception):  # noqa: N818  # named by its consequence
    """The folder holds no usable EMSDataSet schema; the text says what to do."""


def nemsis_check(folder: Path) -> Check:
    """Return the check against ``EMSDataSet_v3.xsd`` of a folder, for ``nemsis.validating``.

    Raises:
        UnusableSchemas: it is not there, or is no schema.
    """
    path = folder / _MAIN
    if not path.is_file():
        raise UnusableSchemas(f"{folder} holds no {_MAIN}: give the folder of the NEMSIS EMS schema files")
    try:
        schema = etree.XMLSchema(etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)))
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError, OSError) as error:
        raise UnusableSchemas(f"{_MAIN} cannot be read ({type(error).__name__}): give all files of the NEMSIS EMS schema") from None
    return check_against(schema)


def feeds_checked_by(folder: str | None) -> Mapping[str, Feed]:
    """Return every feed, that of NEMSIS checking its records against the schema of a folder, if there is one.

    Raises:
        UnusableSchemas: the folder holds no usable schema.
    """
    return FEEDS if folder is None else {**FEEDS, nemsis.FEED.name: nemsis.validating(nemsis_check(Path(folder)))}
