"""The case definitions that are shipped, by id, so that who asks for one learns of a misspelling at once. Ingest holds what they say."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

__all__ = ["SHIPPED_DEFINITIONS", "DefinitionName", "split_definition"]

_NAME: Final = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?(?:@[1-9][0-9]{0,5})?$")


def _is_name(text: str) -> str:
    if not _NAME.fullmatch(text):  # match() would let a trailing line feed pass
        message = "expected the id of a case definition, or id@version, for example opioid or opioid@1"
        raise ValueError(message)
    return text


DefinitionName = Annotated[str, AfterValidator(_is_name), WithJsonSchema({"type": "string", "pattern": _NAME.pattern})]
"""A case definition in any version (``opioid``), or in one (``opioid@1``)."""

SHIPPED_DEFINITIONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "any-drug": 2,
        "benzodiazepine": 1,
        "cdc-discharge-any-drug": 1,
        "cdc-discharge-cocaine": 1,
        "cdc-discharge-heroin": 1,
        "cdc-discharge-methadone": 1,
        "cdc-discharge-opioid": 1,
        "cdc-discharge-other-opioid": 1,
        "cdc-discharge-stimulant": 1,
        "cdc-discharge-synthetic": 1,
        "cdc-opioid-death": 1,
        "cocaine": 1,
        "cste-like-ems-opioid": 1,
        "dose-like-any-drug": 1,
        "dose-like-benzodiazepine": 1,
        "dose-like-cocaine": 1,
        "dose-like-fentanyl": 1,
        "dose-like-heroin": 1,
        "dose-like-methamphetamine": 1,
        "dose-like-opioid": 1,
        "dose-like-stimulant": 1,
        "fentanyl": 1,
        "heroin": 1,
        "medical-examiner-drug": 1,
        "methamphetamine": 1,
        "nemsis-opioid-anchored": 1,
        "nemsis-opioid-official": 1,
        "nemsis-patient-death": 1,
        "opioid": 1,
        "stimulant": 1,
        "suspected-overdose": 2,
        "title-overdose": 1,
    }
)
"""Those that reports may name, and the version of each."""


def split_definition(name: str) -> tuple[str, int | None]:
    """Return id and version of a ``DefinitionName``; None: in any version."""
    ident, _, version = name.partition("@")
    return ident, int(version) if version else None
