"""One patient care report as it is read: an allow-list of elements. What is not listed here is never looked at.

So names, home addresses, birth dates, phones, licences, payers, crews and custom elements end here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lxml.etree import _Element

__all__ = ["APPROXIMATE", "NAMESPACE", "NOT_APPLICABLE", "Pcr", "Value", "Values", "affirmed", "demographics", "extract"]

NAMESPACE: Final = "http://www.nemsis.org"
APPROXIMATE: Final = "8801029"
NOT_APPLICABLE: Final = "7701001"

_NS: Final = f"{{{NAMESPACE}}}"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_LONGEST: Final = 20_000  # twice the longest text of the standard, the narrative
_MOST: Final = 200  # of one element in one record; the standard's own samples have at most a few


class Value(NamedTuple):
    """An element's text (empty when it is nil), its NOT value and its pertinent negative."""

    text: str
    nv: str | None = None
    pn: str | None = None


Values = dict[str, list[Value]]


@dataclass(slots=True)
class Pcr:
    """The listed elements of one patient care report.

    Attributes:
        uuid: its UUID attribute, as written.
        agency: ``dAgency.01``, ``.02`` and ``.04`` of the header it stands under.
        values: the listed elements by number, in the order of the record.
        medications: the same for each medication group.
    """

    uuid: str = ""
    agency: dict[str, str] = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    medications: list[Values] = field(default_factory=list)

    def stated(self, name: str) -> Iterator[Value]:
        """Return the values that are stated: not nil, and not negated by a pertinent negative (an approximate one counts)."""
        return affirmed(self.values, name)

    def text(self, name: str) -> str | None:
        """Return the first stated value of an element, if any."""
        return next((value.text for value in self.stated(name)), None)

    def has(self, name: str, *codes: str) -> bool:
        """Tell whether the element states one of the codes."""
        return any(value.text in codes for value in self.stated(name))


def affirmed(values: Values, name: str) -> Iterator[Value]:
    """Return the stated values of an element of a group."""
    return (value for value in values.get(name, ()) if value.text and value.nv is None and value.pn in {None, APPROXIMATE})


def _section(name: str, *numbers: str) -> dict[str, tuple[str, ...]]:
    return {f"{_NS}{name}": tuple(f"{_NS}{name}.{number}" for number in numbers)}


_SECTIONS: Final = (
    _section("eRecord", "01")
    | _section("eResponse", "01", "03", "05")
    | _section("eDispatch", "01", "03", "06")
    | _section("eTimes", "01", "02", "03", "05", "06", "07", "09", "11", "13")
    | _section("ePatient", "13", "15", "16", "25")
    | _section("eScene", "06", "08", "09", "11", "15", "17", "18", "19", "20", "21", "22", "23")
    | _section("eSituation", "01", "04", "09", "10", "11", "12", "13")
    | _section("eInjury", "01")
    | _section("eArrest", "01", "02", "03", "12", "16", "17", "18")
    | _section("eHistory", "17")
    | _section("eNarrative", "01")
    | _section("eProtocols", "01")
    | _section("eDisposition", "01", "12", "19", "21", "27", "28", "30")
    | _section("eOutcome", "01", "02", "10", "13")
)
_MEDICATIONS: Final = f"{_NS}eMedications"
_GROUP: Final = f"{_NS}eMedications.MedicationGroup"
_OF_MEDICATION: Final = tuple(f"{_NS}eMedications.{number}" for number in ("02", "03", "04", "05", "06", "07", "10"))
_DRUG: Final = "eMedications.03"
_CODE_TYPE: Final = "CodeType"
_OF_AGENCY: Final = tuple(f"{_NS}dAgency.{number}" for number in ("01", "02", "04"))
_FROM: Final = len(_NS)


def extract(report: _Element, agency: dict[str, str]) -> Pcr:
    """Return what is read of a ``PatientCareReport`` element."""
    pcr = Pcr(report.get("UUID", "").strip()[:64], agency)
    for section in report:
        wanted = _SECTIONS.get(str(section.tag))
        if wanted is not None:
            for element in section.iter(*wanted):
                _add(pcr.values, element)
        elif section.tag == _MEDICATIONS:
            for group in section.iter(_GROUP):
                if len(pcr.medications) < _MOST:
                    values: Values = {}
                    for element in group.iter(*_OF_MEDICATION):
                        _add(values, element)
                    pcr.medications.append(values)
    return pcr


def demographics(group: _Element) -> dict[str, str]:
    """Return the agency's elements of a ``DemographicGroup``."""
    return {str(element.tag)[_FROM:]: text for element in group.iter(*_OF_AGENCY) if (text := _text(element)[:128])}


def _add(values: Values, element: _Element) -> None:
    name = str(element.tag)[_FROM:]
    text = "" if element.get(_NIL) in {"true", "1"} else _text(element)
    not_value = element.get("NV")
    if name == _DRUG:  # here it also matters why there is no value
        values[_CODE_TYPE] = [Value(element.get(_CODE_TYPE, ""))]
    elif not text or not_value is not None:
        return
    kept = values.setdefault(name, [])
    if len(kept) < _MOST:
        kept.append(Value(text, not_value, element.get("PN")))


def _text(element: _Element) -> str:
    text = element.text or ""
    if len(element):  # a comment splits the text
        text += "".join(part.tail or "" for part in element)
    return text.strip()[:_LONGEST]
