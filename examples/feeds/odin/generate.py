"""Writes the examples of ODIN files beside itself. People, places and incidents are invented."""

import csv
import io
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ["COCAINE/CRACK", "HEROIN", "FENTANYL", "UNKNOWN", "ALCOHOL", "BENZODIAZEPINES (I.E.VALIUM, XANAX, ATIVAN, ETC)"]


def files() -> dict[str, bytes]:
    """Return the files by name."""
    return {"long.csv": _long(), "cleaned.csv": _cleaned()}


def _long() -> bytes:
    head = [
        "incident_id",
        "incident_date",
        "incident_time",
        "victim_id",
        "gender_desc",
        "age_range",
        "race",
        "victim_od_drug_id",
        "susp_od_drug_desc",
    ]
    head += [
        "naloxone_administered",
        "administration_id",
        "dose_count",
        "dose_unit",
        "dose_desc",
        "response_time_desc",
        "survive",
        "response_desc",
    ]
    head += ["revive_action_desc", "third_party_admin_desc", "incident_county_fips_code"]
    rows = [head]
    for victim in range(12):
        incident = 900 + victim // 2 * 2 if victim < 4 else 900 + victim
        given = victim % 3 != 2
        for place, drug in enumerate(["HEROIN", "FENTANYL", "COCAINE/CRACK"][: victim % 3 + 1]):
            naloxone = [
                "Y",
                f"{victim + 50}",
                "2",
                "4" if victim % 2 else "0",
                "MG",
                "1-3",
                "Y",
                "Responsive and Alert",
                "Hospital Conscious",
                "",
            ]
            none = ["N", "", "", "", "", "", "N" if victim == 5 else "U", "", "", ""]
            clock = "00:00:00" if victim == 3 else f"{victim + 8:02d}:15:00"
            person = ["Male" if victim % 2 else "Female", ["20 - 24", "15 - 19", "80 - *", "30 - 39"][victim % 4], "Unknown"]
            rows.append(
                [str(incident), "03/14/2026", clock, str(victim), *person, f"{victim}{place}", drug, *(naloxone if given else none), "091"]
            )
    rows.append(rows.pop(2))  # one row of a victim far from the others
    rows.append([*rows[1][:3], "99", "Male", "young", *rows[1][6:]])  # no band of ages
    rows.append([*rows[1][:1], "03/14/2126", rows[1][2], "98", *rows[1][4:]])  # a hundred years ahead
    return _csv(rows)


def _cleaned() -> bytes:
    head = [
        "Incident ID",
        "Incident Date",
        "Incident Time",
        "Day",
        "Incident County Name",
        "Incident State",
        "Victim ID",
        "Gender Desc",
        "Age Range",
        "Race",
    ]
    head += [
        "Ethnicity Desc",
        "Incident County FIPS Code",
        "Incident County Latitude",
        "Incident County Longitude",
        "Naloxone Administered",
        "Response Time Desc",
        "Survive",
    ]
    rows = [head + FLAGS]
    for victim in range(10):
        flags = ["1" if (victim + place) % 4 == 0 else "0" for place in range(len(FLAGS))]
        person = [str(700 + victim), "Female" if victim % 2 else "Male", "30 - 39", "Unknown", "Unknown", "045", "39.9", "-75.4"]
        response = ["Y", "DID NOT WORK" if victim == 4 else "<1 MINUTE"] if victim % 3 else ["N", "NA"]
        rows.append(
            [
                str(800 + victim),
                "03/15/2026",
                "00:00:00" if victim == 2 else "13:05:00",
                "Sunday",
                "Cedar",
                "Pennsylvania",
                *person,
                *response,
                "YNU"[victim % 3],
                *flags,
            ]
        )
    rows.append([*rows[1][:6], "", *rows[1][7:]])  # nobody named
    return _csv(rows)


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    for name, body in files().items():
        (HERE / name).write_bytes(body)
