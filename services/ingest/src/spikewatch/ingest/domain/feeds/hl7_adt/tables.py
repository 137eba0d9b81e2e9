"""The code tables of an ADT message: what each code means to a report."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from spikewatch.contracts.vocabulary import Disposition, Outcome, Sex

__all__ = [
    "AGE_UNITS",
    "CODING_SYSTEMS",
    "COUNTED",
    "DELETED",
    "DISPOSITIONS",
    "EXPIRED",
    "FACILITY_TYPE",
    "NOT_A_ZIP",
    "NO_LONGER",
    "NO_RESULT",
    "OBSERVED",
    "OBSERVED_AGE",
    "OBSERVED_TEXTS",
    "SEXES",
]

COUNTED: Final = frozenset({"A01", "A03", "A04", "A08"})
"""Triggers that tell of a visit: admitted, discharged, registered, updated."""

NO_LONGER: Final = frozenset({"A11", "A23"})
"""Triggers that take a visit back: cancelled, deleted."""

SEXES: Final[Mapping[str, Sex]] = MappingProxyType({
    "F": Sex.FEMALE, "M": Sex.MALE, "O": Sex.OTHER, "A": Sex.OTHER, "X": Sex.OTHER, "U": Sex.UNKNOWN, "N": Sex.UNKNOWN, "": Sex.UNKNOWN,
    "UNK": Sex.UNKNOWN, "FEMALE": Sex.FEMALE, "MALE": Sex.MALE,
})  # fmt: skip
"""HL7 table 0001 and what stands for it in later versions."""

EXPIRED: Final = frozenset({"20", "40", "41", "42", "EXP", "EXPIRED", "DECEASED", "DIED"})
"""HL7 table 0112 (UB-04 form locator 17): died; 40 to 42 in hospice care; and how houses without the table write it."""

_HOME, _COURT = ("01", "06", "81", "86", "HOME"), ("21", "87")
_LEFT: Final = ("07", "AMA", "LWBS", "ELOPED")
_OTHER_CARE: Final = ("03", "04", "50", "51", "61", "62", "63", "64", "65", "70", "83", "84", "89", "90", "91", "92", "93", "95")
_ACUTE_CARE: Final = ("02", "05", "09", "43", "66", "82", "85", "88", "94")
DISPOSITIONS: Final[Mapping[str, tuple[Disposition, Outcome]]] = MappingProxyType({
    **dict.fromkeys(_HOME, (Disposition.RELEASED, Outcome.NONFATAL)),
    **dict.fromkeys(_LEFT, (Disposition.REFUSED, Outcome.NONFATAL)),
    **dict.fromkeys(_COURT, (Disposition.ARREST, Outcome.NONFATAL)),
    **dict.fromkeys(_OTHER_CARE, (Disposition.TREATMENT, Outcome.NONFATAL)),
    # Admitted, or moved to another acute hospital: how it ends is not known there.
    **dict.fromkeys(_ACUTE_CARE, (Disposition.TREATMENT, Outcome.UNKNOWN)),
    **dict.fromkeys(sorted(EXPIRED), (Disposition.UNKNOWN, Outcome.FATAL)),
    "30": (Disposition.UNKNOWN, Outcome.UNKNOWN),  # still a patient
    "": (Disposition.UNKNOWN, Outcome.UNKNOWN),
})  # fmt: skip
"""What PV1-36 says of the person and of how it ended."""

CODING_SYSTEMS: Final[Mapping[str, str]] = MappingProxyType({
    **dict.fromkeys(("I10", "I10C", "I10CM", "ICD10", "ICD10CM", "2.16.840.1.113883.6.90"), "icd10cm"),
    **dict.fromkeys(("I9", "I9C", "I9CDX", "I9CM", "ICD9", "ICD9CM", "ICD9CMDX", "2.16.840.1.113883.6.103"), "icd9cm"),
    **dict.fromkeys(("SCT", "SCT2", "SNM", "SNM3", "SNOMED", "SNOMEDCT", "2.16.840.1.113883.6.96"), "snomed"),
})  # fmt: skip
"""HL7 table 0396, without hyphens and blanks, and the OIDs of the same systems."""

DELETED: Final = "D"
"""DG1-21 of a diagnosis that the sender takes back (table 0206)."""

NO_RESULT: Final = frozenset({"D", "N", "W", "X"})
"""OBX-11 of a value that is none (table 0085): deleted, not asked, of another person, not obtained."""

OBSERVED_AGE: Final = frozenset({"21612-7", "30525-0", "29553-5"})
"""LOINC: age reported, age, age calculated."""

OBSERVED_TEXTS: Final[Mapping[str, str]] = MappingProxyType({
    "8661-1": "chief_complaint",  # chief complaint, reported
    "10154-3": "chief_complaint",  # chief complaint, narrative
    "54094-8": "narrative",  # triage note
    "44833-2": "diagnosis_text",  # preliminary diagnosis, clinical impression
})  # fmt: skip
"""Texts by the LOINC code of OBX-3, and their role."""

FACILITY_TYPE: Final = "SS003"
"""PHIN's code of the kind of facility."""

OBSERVED: Final = OBSERVED_AGE | {*OBSERVED_TEXTS, FACILITY_TYPE}
"""All that is read of OBX-3."""

AGE_UNITS: Final[Mapping[str, float]] = MappingProxyType({
    **dict.fromkeys(("a", "a_j", "a_g", "a_t", "y", "yr", "yrs", "year", "years", ""), 1.0),
    **dict.fromkeys(("mo", "mo_j", "mo_g", "mo_s", "mon", "month", "months"), 1 / 12),
    **dict.fromkeys(("wk", "week", "weeks"), 7 / 365.25),
    **dict.fromkeys(("d", "day", "days"), 1 / 365.25),
    **dict.fromkeys(("h", "hr", "hour", "hours", "min", "minute", "minutes", "s"), 0.0),
})  # fmt: skip
"""Years in one unit: UCUM, and the words that people write. No unit means years."""

NOT_A_ZIP: Final = frozenset({"00000", "88888", "99999"})
"""Written where no home is known."""
