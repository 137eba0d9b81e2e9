"""Writes the example HL7 ADT files: invented people of an invented county's hospital, the same bytes on every run."""

from datetime import datetime, timedelta
from pathlib import Path

HOSPITAL = "Cedar Hospital^1234567893^NPI"
FIRST_DAY = datetime(2026, 3, 2, 18, 5)  # noqa: DTZ001  # the hospital's wall clock, America/New_York
HEROIN, FENTANYL, COCAINE, FRACTURE = (
    "T40.1X1A^Poisoning by heroin",
    "T40.411A^Poisoning by fentanyl",
    "T40.5X1A^Poisoning by cocaine",
    "S52.501A^Fracture",
)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S")


def message(
    number: int,
    *,
    trigger: str = "A04",
    after: int = 3,
    complaint: str = "",
    diagnoses: tuple[str, ...] = (),
    end: str = "",
    visit: str | None = None,
    arrived: str | None = None,
    mode: str = "P",
    kind: str = "",
    charset: str = "",
    age: str = "a",
) -> str:
    """Return one message; ``after`` is how many minutes after the arrival it was made."""
    arrival = FIRST_DAY + timedelta(hours=7 * number)
    made = stamp(arrival + timedelta(minutes=after))
    visit = f"{33000 + number}_001" if visit is None else visit
    head = (
        f"MSH|^~\\&|ADT1|{HOSPITAL}|SPIKEWATCH|CEDAR HEALTH|{made}||{kind or f'ADT^{trigger}^ADT_A01'}|C{number}-{after}|{mode}|2.5.1"
        f"||||||{charset}|||PH_SS-NoAck^SS Sender^2.16.840.1.114222.4.10.3^ISO"
    )
    lines = [
        head,
        f"EVN||{made}|||||{HOSPITAL}",
        f"PID|1||MRN{number:06d}^^^^MR||^^^^^^~^^^^^^S|||{'FM'[number % 2]}||2106-3^^CDCREC|^^^^{99001 + number % 3}^^^^99777",
        f"PV1|1|E|||||||||||||||||{visit}^^^^VN|||||||||||||||||{end}||||||||{stamp(arrival) if arrived is None else arrived}",
        *(f"DG1|{place}||{code}^I10|||F" for place, code in enumerate(diagnoses, start=1)),
        "OBX|1|CWE|SS003^^PHINQUESTION||261QE0002X^Emergency Care^NUCC||||||F",
        f"OBX|2|NM|21612-7^^LN||{19 + number * 3}|{age}^^UCUM|||||F",
        *([f"OBX|3|CWE|8661-1^^LN||^^^^^^^^{complaint}||||||F"] if complaint else []),
    ]
    return "\r".join(lines) + "\r"


def visits() -> str:
    """Return visits as a hospital sends them: registered, updated when the diagnosis comes, discharged."""
    return "".join((
        message(1, complaint="heroin overdose, found unresponsive"),
        message(1, trigger="A08", after=1500, complaint="heroin overdose, found unresponsive", diagnoses=(HEROIN,)),
        message(1, trigger="A03", after=1700, complaint="heroin overdose, found unresponsive", diagnoses=(HEROIN,), end="01"),
        message(2, complaint="unresponsive, poss OD on fentanly"),
        message(2, trigger="A03", after=95, complaint="unresponsive, poss OD on fentanly", diagnoses=(FENTANYL,), end="20"),
        message(3, complaint="wrist injury after fall"),
        message(3, trigger="A03", after=180, complaint="wrist injury after fall", diagnoses=(FRACTURE,), end="01"),
        message(4, diagnoses=(COCAINE,), trigger="A03", after=240, end="07"),
        message(4, diagnoses=(COCAINE,), trigger="A03", after=240, end="07"),  # sent twice
        message(5),  # neither complaint nor diagnosis
        message(6, trigger="A02", complaint="heroin overdose"),  # a transfer inside the house
        message(7, mode="T", complaint="heroin overdose"),  # a test message
    ))  # fmt: skip


def batch() -> str:
    body = "".join(message(number, complaint="overdose of heroin") for number in range(10, 16))
    return f"FHS|^~\\&|ADT1|{HOSPITAL}\rBHS|^~\\&|ADT1|{HOSPITAL}\r{body}BTS|6\rFTS|1\r"


def unusual() -> bytes:
    """Return messages that are right but look otherwise: framing, line ends, separators, escapes, encodings, units, places of texts."""
    other = str.maketrans("|^~\\&", "#:*?;")
    plain = message(27).replace("OBX|2|", "OBX|3|TX|8661-1^^LN||overdose \\T\\ heroin\\.br\\unresponsive\rOBX|2|")
    return b"".join((
        b"\xef\xbb\xbf\x0b" + message(20, complaint="heroin overdose").encode() + b"\x1c\r",
        message(21, complaint="heroin overdose").replace("\r", "\r\n").encode(),
        message(22, complaint="heroin overdose").replace("\r", "\n").encode(),
        message(23, complaint="heroin overdose").translate(other).encode(),
        message(24, complaint="heroin overdose, café", charset="8859/1").encode("latin-1"),
        message(25, complaint="accidental overdose of oxycodone", age="mo").encode(),
        message(26, complaint="heroin overdose", arrived="19000101").encode(),
        plain.encode(),
        message(28, complaint="heroin overdose", arrived="20260310").encode(),
        message(29, diagnoses=("T401X4A^Poisoning by heroin",), arrived="202603102100-0400").encode(),
    ))  # fmt: skip


def bad() -> str:
    complaint = "heroin overdose"
    return "".join((
        "exported by the interface engine\r",
        message(30, complaint=complaint, visit=""),
        message(31, complaint=complaint, arrived="yesterday"),
        message(32, complaint=complaint, arrived="20260231"),
        message(33, complaint=complaint, arrived="20991231"),
        message(34, complaint=complaint, kind="ORU^R01^ORU_R01"),
        message(35, complaint=complaint, charset="KLINGON"),
        message(36, complaint=complaint).replace("|^~\\&|", "|^^^^|"),
        message(37, complaint=complaint),
        message(38, complaint=complaint).replace("PV1|", "ZPV|"),
    ))  # fmt: skip


def broken_off() -> str:
    return batch().split("BTS|")[0]


def files() -> dict[str, bytes]:
    return {
        "visits.hl7": visits().encode(),
        "batch.hl7": batch().encode(),
        "unusual.hl7": unusual(),
        "bad.hl7": bad().encode(),
        "broken_off.hl7": broken_off().encode(),
    }


if __name__ == "__main__":
    for name, body in files().items():
        Path(__file__).with_name(name).write_bytes(body)
