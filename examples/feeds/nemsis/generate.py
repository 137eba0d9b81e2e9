"""Writes the example NEMSIS files: invented people of an invented county, the same bytes on every run."""

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

NAMESPACE = "http://www.nemsis.org"
ROOT = f'<EMSDataSet xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
NALOXONE = "7242"
YES, NO = "9923003", "9923001"


class Nil(NamedTuple):
    """A nil element with its NOT value."""

    nv: str


class Negated(NamedTuple):
    """A value that a pertinent negative negates or qualifies; by default "symptom not present"."""

    value: str
    pn: str = "8801031"


NA, NR = Nil("7701001"), Nil("7701003")


def element(name: str, value: object) -> str:
    """Return one element; a list is repeated, a dictionary is a group, None is left out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(element(child, one) for child, one in value.items())}</{name}>"
    if isinstance(value, Nil):
        return f'<{name} xsi:nil="true" NV="{value.nv}"/>'
    if isinstance(value, Negated):
        return f'<{name} PN="{value.pn}">{value.value}</{name}>'
    text = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return f"<{name}>{text}</{name}>"


def section(name: str, **values: object) -> dict:
    """Return a section: ``_01=…`` is its element 01, another name is a group of it."""
    return {name: {f"{name}.{key.lstrip('_')}": value for key, value in values.items()}}


def group(name: str, **values: object) -> dict:
    """Return the content of a group of a section."""
    return {f"{name}.{key.lstrip('_')}": value for key, value in values.items()}


def clock(number: int, minutes: int) -> str:
    """Return a time of the invented evening, so many minutes after the call of a report."""
    total = 18 * 60 + number * 7 % 240 + minutes
    return f"2026-04-{1 + number % 28:02d}T{total // 60:02d}:{total % 60:02d}:{number % 60:02d}-04:00"


def medication(  # one call states one group of the record
    code: object = NALOXONE,
    *,
    response: object = "9916001",
    dose: object = "4",
    unit: object = "3706021",
    route: object = "9927017",
    before: object = NO,
    by: object = "9905007",
    at: object = NR,
) -> dict:
    """Return a medication group: by default 4 mg of naloxone into the nose by a paramedic, with improvement."""
    dosage = group("eMedications", _05=dose, _06=unit)
    return group("eMedications", _01=at, _02=before, _03=code, _04=route, DosageGroup=dosage, _07=response, _08="3708031", _10=by)


def vital_signs(number: int, minutes: int) -> dict:
    """Return one group of vital signs: the bulk of a real record, never looked at."""
    v = "eVitals"
    return group(
        v,
        _01=clock(number, minutes),
        _02=NO,
        CardiacRhythmGroup=group(v, _03="9901047", _04=NR, _05=NR),
        BloodPressureGroup=group(v, _06=96 + (number + minutes) % 40, _07=60 + minutes % 20),
        HeartRateGroup=group(v, _10=50 + (number + minutes) % 60),
        _12=88 + (number + minutes) % 12,
        _14=6 + (number + minutes) % 14,
        _16=NR,
        _18=100 + number % 40,
        GlasgowScoreGroup=group(v, _19=2, _20=3, _21=4, _22=NR, _23=9),
        TemperatureGroup=group(v, _24="36.4"),
        _26="3326003",
        PainScaleGroup=group(v, _27=NR),
        StrokeScaleGroup=group(v, _29=NR, _30=NR),
        _31=NA,
    )


def content(
    number: int,
    *,
    vitals: int = 1,
    medications: list | None = None,
    narrative: str | None = None,
    only: tuple[str, ...] = (),
    **changes: object,
) -> dict:
    """Return the sections of a report that the schema accepts; ``changes`` replace single elements (``eSituation_11="T40.1X1A"``).

    ``only`` keeps the named sections, for a short report that the schema would refuse.
    """
    nothing = medication(NR, response=NR, dose=NR, unit=NR, route=NR, before=NR, by=NR) | {"eMedications.08": NR}
    d, o = "eDisposition", "eOutcome"
    sections = (
        section("eRecord", _01=f"PCR-{number:06d}", SoftwareApplicationGroup=group("eRecord", _02="Example", _03="Example PCR", _04="1"))
        | section(
            "eResponse",
            AgencyGroup=group("eResponse", _01="99-0417"),
            _03=f"2026-{number:06d}",
            _04=f"2026-{number:06d}-1",
            ServiceGroup=group("eResponse", _05="2205001"),
            _07="2207015",
            _08="2208013",
            _09="2209011",
            _10="2210017",
            _11="2211011",
            _12="2212015",
            _13="M4",
            _14="MEDIC 4",
            _23="2223001",
            _24="2224019",
        )
        | section("eDispatch", _01="2301053", _02="2302003", _03="23C1", _06=f"C26{number:06d}")
        | section(
            "eTimes",
            _01=clock(number, 0),
            _03=clock(number, 2),
            _05=clock(number, 3),
            _06=clock(number, 9),
            _07=clock(number, 10),
            _09=clock(number, 25),
            _11=clock(number, 38),
            _12=clock(number, 45),
            _13=clock(number, 60),
        )
        | section(
            "ePatient",
            PatientNameGroup=group("ePatient", _02=f"Invented{number}", _03="Person"),
            _05=f"{number} Home Lane",
            _07="99003",
            _08="99",
            _09="99959",
            _12="078051120",
            _14=NR,
            AgeGroup=group("ePatient", _15=20 + number % 50, _16="2516009"),
            _17="1984-04-17",
            _18="610-555-0199",
            _25=("9919001", "9919003")[number % 2],
        )
        | section("ePayment", _01="2601015", _50="2650009")
        | section(
            "eScene",
            _01=YES,
            _06="2707005",
            _07=NO,
            _08=NA,
            _09="Y92.481",
            _11=f"40.{12 + number % 7}{number % 10},-75.{33 + number % 5}{number % 10}",
            _15=f"{100 + number * 4} Main St",
            _16="Apt 2",
            _17="1197131",
            _18="99",
            _19="99951",
            _20="Main St & Oak St",
            _21="99001",
            _23="99001210100",
        )
        | section(
            "eSituation",
            _01=clock(number, -12),
            _02="9922001",
            PatientComplaintGroup=group("eSituation", _03="2803001", _04="Found unresponsive", _05=20, _06="2806003"),
            _07="2807011",
            _08="2808011",
            _09="R40.20",
            _10=["R06.89", Negated("R07.9")],
            _11="T40.1X1A",
            _12=NR,
            _13="2813001",
            _18=clock(number, -40),
            _20=NA,
        )
        | section("eInjury", _01=NA, _03=NA, _04=NA)
        | section("eArrest", **{f"_{code}": "3001001" if code == "01" else NA for code in _ARREST})
        | section("eHistory", _01=NR, _17=["3117003", "3117015"])
        | section("eNarrative", _01=narrative)
        | section("eVitals", VitalGroup=[vital_signs(number, 11 + 3 * turn) for turn in range(vitals)])
        | section("eProtocols", ProtocolGroup=group("eProtocols", _01="9914219"))
        | section("eMedications", MedicationGroup=[medication()] if medications is None else medications or [nothing])
        | section("eProcedures", ProcedureGroup=group("eProcedures", _01=NR, _02=NR, _03=NR, _05=NR, _06=NR, _07=NR, _08=NR, _10=NR))
        | section(
            d,
            DestinationGroup=group(d, _01="Cedar General Hospital", _05="99", _06="99001", _07="99951"),
            IncidentDispositionGroup=group(d, _27="4227001", _28="4228001", _29="4229001", _30="4230001"),
            _16="4216005",
            _17="4217001",
            _18="4218015",
            _19="4219003",
            _20="4220001",
            _21="4221003",
            _22=NA,
            _23=NA,
            HospitalTeamActivationGroup=group(d, _24="4224001", _25=NA),
            _32="4232001",
        )
        | section(
            o,
            _01=NA,
            _02=NA,
            EmergencyDepartmentProceduresGroup=group(o, _09=NA, _19=NA),
            _10=NA,
            _11=NA,
            HospitalProceduresGroup=group(o, _12=NA, _20=NA),
            _13=NA,
            _16=NA,
            _18=NA,
        )
    )
    for name, value in changes.items():
        _replace(sections, name.replace("_", "."), value)
    if narrative is None:
        del sections["eNarrative"]
    return {name: part for name, part in sections.items() if not only or name in only}


_ARREST = ("01", "02", "03", "04", "07", "09", "11", "12", "14", "16", "17", "18", "20", "21", "22")


def _replace(part: dict, name: str, value: object) -> bool:
    if name in part:
        part[name] = value
        return True
    groups = (one for inner in part.values() for one in (inner if isinstance(inner, list) else [inner]) if isinstance(one, dict))
    return any(_replace(one, name, value) for one in groups)


def report(number: int, uuid: str | None = None, **options: object) -> str:
    """Return a PatientCareReport."""
    mark = str(UUID(int=0x26A0_0000_0000_4000_8000_0000_0000_0000 + number)) if uuid is None else uuid
    body = "".join(element(name, value) for name, value in content(number, **options).items())
    return f'<PatientCareReport UUID="{mark}">{body}</PatientCareReport>'


def header(*reports: str, agency: str = "99-0417") -> str:
    """Return a Header of an agency with its reports, one a line."""
    numbers = {"dAgency.01": agency, "dAgency.02": agency, "dAgency.04": "99"}
    return f"<Header>{element('DemographicGroup', numbers)}\n" + "\n".join(reports) + "\n</Header>"


def document(*headers: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> str:
    """Return an EMSDataSet."""
    return f"{prolog}{ROOT}\n" + "\n".join(headers) + "\n</EMSDataSet>\n"


def _good() -> str:
    improved_later = [medication(response="9916003"), medication()]
    by_police = [medication(before=YES, by="9905047", dose=NR, unit=NR)]
    refused = [medication(Negated(NALOXONE, "8801019"), response=NR, dose=NR, unit=NR, route=NR, before=NR, by=NR)]
    return document(
        header(
            report(1),
            report(2, medications=improved_later, eSituation_11="T40.411A"),
            report(3, medications=by_police, eSituation_11=NR, eSituation_13="2813003"),
            agency="99-0417",
        ),
        header(
            report(4, medications=refused, eSituation_11="F19", ePatient_15=Negated("40", "8801029")),
            agency="99-0523",
        ),
    )


_SHORT = ("eRecord", "eDispatch", "eTimes", "eSituation", "eDisposition")


def _bad() -> str:
    def short(number: int, uuid: str | None = None, **changes: object) -> str:
        return report(number, uuid, only=_SHORT, **changes)

    chest_pain = {"eSituation_11": "I21.9", "eSituation_04": "Chest pain", "eDispatch_01": "2301021", "eDispatch_03": "10D1"}
    return document(
        header(
            short(11, eTimes_01="2026-04-31T18:00:00-04:00"),  # no such day: the dispatch's time is taken
            short(12).replace("</eSituation>", ""),  # not well-formed
            "this line belongs to no report",
            short(13).replace("</PatientCareReport>", ""),  # its end is missing
            short(14),
            short(14),  # the same once more
            short(15).replace("Found unresponsive", "&secret;"),  # an entity
            short(16, uuid="", eRecord_01=NR),  # no identity
            short(17, **chest_pain),  # something else
            short(18, eDisposition_27="4227005", eSituation_11=NR),  # cancelled: nobody was met
        )
    )


def files() -> dict[str, bytes]:
    """Return every example file by name."""
    cut = document(header(report(21, only=_SHORT), report(22, only=_SHORT)))
    dtd = '<?xml version="1.0"?>\n<!DOCTYPE EMSDataSet [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n'
    utf_16 = document(header(report(31, only=_SHORT)), prolog='<?xml version="1.0" encoding="UTF-16"?>\n')
    return {
        "good.xml": _good().encode(),
        "bad.xml": _bad().encode(),
        "truncated.xml": cut[: len(cut) - 2_000].encode(),
        "entities.xml": document(header(), prolog=dtd).encode(),
        "utf-16.xml": utf_16.encode("utf-16"),
    }


if __name__ == "__main__":
    for name, body in files().items():
        (Path(__file__).parent / name).write_bytes(body)
