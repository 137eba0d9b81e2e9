"""Tells what a schema finds wrong with a record: the element's path, the line and what was expected, never the value."""

import re
from collections.abc import Callable
from typing import Final

from lxml import etree
from lxml.etree import _Element, _LogEntry

from spikewatch.ingest.domain.feeds.nemsis.elements import NAMESPACE
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["check_against"]

_LONGEST: Final = 200
_STEPS_ABOVE: Final = 2  # EMSDataSet/Header, the same for every record
# By the kind of error, because a value may hold any words. The last part of a message is the schema's; a value stands before it.
_EXPECTED: Final = {
    "SCHEMAV_ELEMENT_CONTENT": (("Expected is one of ", "one of "), ("Expected is ", "")),
    "SCHEMAV_CVC_PATTERN_VALID": (("accepted by the pattern ", "the pattern "),),
    "SCHEMAV_CVC_ENUMERATION_VALID": (("element of the set ", "one of "),),
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": (("atomic type ", "a value of type "),),
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_2": (("list type ", "values of type "),),
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_3": (("union type ", "a value of type "),),
    "SCHEMAV_CVC_MAXLENGTH_VALID": (("maximum length of ", "a length of at most "),),
    "SCHEMAV_CVC_MINLENGTH_VALID": (("minimum length of ", "a length of at least "),),
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": (("maximum value allowed ", "at most "),),
    "SCHEMAV_CVC_MININCLUSIVE_VALID": (("minimum value allowed ", "at least "),),
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": (("maximum number of fractional digits ", "fractional digits: "),),
}
_PROBLEMS: Final = {
    "SCHEMAV_ELEMENT_CONTENT": "lacks an element, or has one out of place",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "lacks an attribute",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "has an attribute that does not belong here",
    "SCHEMAV_CVC_ELT_3_1": "may not be nil",
    "SCHEMAV_CVC_ELT_3_2_1": "is nil and has a value",
    "SCHEMAV_CVC_PATTERN_VALID": "does not have the form of its type",
    "SCHEMAV_CVC_ENUMERATION_VALID": "is not one of the listed codes",
}


def check_against(schema: etree.XMLSchema) -> Callable[[_Element, int], Rejected | None]:
    """Return the check of a document of one record against a schema; see ``document.Check``."""

    def check(document: _Element, shift: int) -> Rejected | None:
        if schema.validate(document):
            return None
        # Several errors may follow from one: the first that says what was expected says most.
        told = next((error for error in schema.error_log if _expected(error)), schema.error_log[0])
        problem = f"{_PROBLEMS.get(told.type_name, 'is not valid')} (line {told.line + shift})"
        expected = _expected(told) or "what the NEMSIS schema allows"
        return Rejected(Fault.INVALID_FIELD, _path(document, told.path), problem, expected, "see the NEMSIS data dictionary")

    return check


def _expected(error: _LogEntry) -> str:
    message = error.message.replace(f"{{{NAMESPACE}}}", "").rstrip(".")
    for mark, words in _EXPECTED.get(error.type_name, ()):
        at = message.rfind(mark)
        if at >= 0:
            return words + re.sub(r"\s+", " ", message[at + len(mark) :]).strip("(){} ")[:_LONGEST]
    return ""


def _path(document: _Element, path: str | None) -> str:
    """Return the path by names: the schema's own counts children (``/*/*/*[2]``)."""
    found = document.xpath(path) if path else []
    element = found[0] if isinstance(found, list) and found else None
    if not isinstance(element, _Element):
        return "PatientCareReport"
    steps: list[str] = []
    while element is not None:
        twins = list(element.itersiblings(str(element.tag), preceding=True))
        after = next(element.itersiblings(str(element.tag)), None)
        name = etree.QName(element).localname
        steps.append(f"{name}[{len(twins) + 1}]" if twins or after is not None else name)
        element = element.getparent()
    steps.reverse()
    return "/".join(steps[_STEPS_ABOVE:] or steps)[:_LONGEST]
