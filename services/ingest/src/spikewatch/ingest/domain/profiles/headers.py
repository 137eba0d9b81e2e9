"""What a column's header gives away: a person's number, a name, a birth date, a home."""

import re
from typing import Final

__all__ = ["is_home", "person_of", "words_of"]

# A header as words: "PatientDOB" and "patient_dob" are both "patient dob".
_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_PERSON: Final = r"(?:patient|pt|person|victim|decedent|subject|client|member|offender|inmate|guarantor|kin|guardian|mother|father|spouse)"
_IDENTIFIERS: Final = tuple(
    (re.compile(rf"(?:^| )(?:{pattern})(?: |$)"), what)
    for pattern, what in (
        (r"ssn|social security(?: number| no| num)?|social sec", "a social security number"),
        (
            r"mrn|medical record(?: number| no| num)?|med rec(?: no)?|chart (?:no|number)|patient (?:id|number|no)",
            "a person's record number",
        ),
        (
            r"account (?:number|no)|acct(?: no| number)?|policy (?:number|no)|member id|insurance(?: id| number)?|medicaid(?: id)?",
            "an account number",
        ),
        (r"dob|date of birth|birth ?date|birthdate|birth (?:day|dt)|d o b|born", "a birth date"),
        (
            rf"(?:first|last|middle|sur|given|family|full|maiden|nick) ?name|lname|fname|surname|{_PERSON} name|name|alias|initials",
            "a name",
        ),
        (r"phone(?: number| no)?|telephone|tel|mobile|cell(?: phone)?|callback(?: number)?|ani", "a telephone number"),
        (r"e ?mail(?: address)?|email", "an e-mail address"),
        (
            r"driver s? ?licen[cs]e(?: number| no)?|licen[cs]e (?:number|no|plate)|dl(?: number| no)|passport(?: no| number)?|plate",
            "a licence number",
        ),
        (r"(?:inmate|booking|sbi|fbi|sid|doc) (?:id|number|no)", "a person's number"),
        (r"ip address|mac address|device id|facebook|twitter", "an address of a person's device"),
    )
)
_NOT_A_PERSON: Final = re.compile(
    r"(?:^| )(?:county|city|town|twp|township|street|st|road|unit|agency|hospital|facility|station|file|case|incident|event|call|"
    r"drug|destination|district|municipality|state|place|zone|beat|crew|shift|nature|type|provider|medication|generic|scene|location)"
    r"(?: \w+)? name(?: |$)"
    r"|phone ?pick ?up"  # when a call was answered
)
_HOME: Final = re.compile(
    r"(?:^| )(?:res|resid|residence|residential|resident|home|decedent|domicile|mailing|patient|pt|victim|lives)(?: |$)"
)
_PLACE: Final = re.compile(
    r"(?:^| )(?:address|addr|street|city|town|zip|zipcode|zip5|postal|county|fips|state|lat|latitude|"
    r"lon|lng|long|longitude|tract|geo|location)(?: |$)"
)


def words_of(header: str) -> str:
    """Return the header as lower-case words with one blank between them; ``#`` is the word number."""
    return " ".join(part for part in _BOUNDARY.sub(" ", header.replace("#", " number ")).lower().split() if part)


def person_of(header: str) -> str | None:
    """Return what of a person the column seems to hold, for example ``a birth date``; None when nothing."""
    words = words_of(header)
    if _NOT_A_PERSON.search(words):
        return None
    return next((what for pattern, what in _IDENTIFIERS if pattern.search(words)), None)


def is_home(header: str) -> bool:
    """Tell whether the column seems to hold where a person lives."""
    words = words_of(header)
    return _HOME.search(words) is not None and _PLACE.search(words) is not None
