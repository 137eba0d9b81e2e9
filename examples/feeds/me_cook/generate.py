"""Writes invented deaths in the layout of Cook County's case archive. No person and no death in it is real."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

HEADER = [
    "CASENUMBER",
    "INCIDENT_DATE",
    "DEATH_DATE",
    "AGE",
    "GENDER",
    "RACE",
    "LATINO",
    "MANNER",
    "PRIMARYCAUSE",
    "PRIMARYCAUSE_LINEA",
    "PRIMARYCAUSE_LINEB",
    "PRIMARYCAUSE_LINEC",
    "SECONDARYCAUSE",
    "INCIDENT_STREET",
    "INCIDENT_CITY",
    "INCIDENT_ZIP",
    "RESIDENCE_CITY",
    "RESIDENCE_ZIP",
    "CommDistrict",
    "OPIOID_RELATED",
    "chi_ward",
    "chi_commarea",
    "longitude",
    "latitude",
]


def moment(at: datetime) -> str:
    return at.strftime("%Y/%m/%d %H:%M:%S+00")


def rows() -> list[dict[str, str]]:
    chance = random.Random(17)  # noqa: S311  # the same rows each time
    found = []
    for number in range(30):
        died = datetime(2018, 1, 3, 9, 17, tzinfo=UTC) + timedelta(days=11 * number, minutes=chance.randint(0, 700))
        one = dict.fromkeys(HEADER, "") | {
            "CASENUMBER": f"ME2018-{number:05d}", "INCIDENT_DATE": moment(died - timedelta(hours=chance.randint(1, 30))),
            "DEATH_DATE": moment(died), "AGE": str(chance.randint(18, 70)), "GENDER": chance.choice(("Male", "Female")), "RACE": "White",
            "LATINO": "False", "MANNER": "ACCIDENT", "PRIMARYCAUSE": "HEROIN AND FENTANYL TOXICITY",
            "INCIDENT_STREET": f"{100 + number} N INVENTED AVE",
            "INCIDENT_CITY": "CHICAGO", "INCIDENT_ZIP": "60699", "RESIDENCE_CITY": "ELSEWHERE", "RESIDENCE_ZIP": "60000",
            "OPIOID_RELATED": "True", "longitude": f"{-87.7 + number / 1000:.4f}", "latitude": f"{41.8 + number / 1000:.4f}",
        }  # fmt: skip
        found.append(one)
    found[0]["INCIDENT_DATE"] = "9999/12/31 06:00:00+00"
    found[1]["INCIDENT_DATE"] = "2009/05/01 05:00:00+00"
    found[2]["INCIDENT_DATE"] = ""
    found[3]["INCIDENT_DATE"] = "2018/12/30 12:00:00+00"  # after the death
    found[4] |= {"INCIDENT_DATE": "2018/02/15 06:00:00+00", "DEATH_DATE": "2018/02/16 17:00:00+00"}  # midnight in winter: only the day
    found[5] |= {"INCIDENT_DATE": "2018/07/01 05:00:00+00", "DEATH_DATE": "2018/07/01 17:00:00+00"}  # midnight in summer
    found[6] |= {"longitude": "", "latitude": ""}
    found[7] |= {"MANNER": "PENDING", "PRIMARYCAUSE": "PENDING", "OPIOID_RELATED": ""}
    found[8] |= {"MANNER": "NATURAL", "PRIMARYCAUSE": "ORGANIC CARDIOVASCULAR DISEASE", "OPIOID_RELATED": "False"}
    return found


def table(found: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


def files() -> dict[str, bytes]:
    found = rows()
    certified = found[7] | {"MANNER": "ACCIDENT", "PRIMARYCAUSE": "FENTANYL TOXICITY", "OPIOID_RELATED": "True"}
    bad = [found[9] | {"CASENUMBER": ""}, found[10] | {"CASENUMBER": "X1", "INCIDENT_DATE": "", "DEATH_DATE": "soon"}]
    return {"archive.csv": table(found), "archive_with_corrections.csv": table([*found, certified, found[9], *bad])}


if __name__ == "__main__":
    for name, content in files().items():
        Path(__file__).with_name(name).write_bytes(content)
