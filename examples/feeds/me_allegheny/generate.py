"""Writes invented deaths in the layout of Allegheny County's fatal accidental overdoses. No person and no death in it is real."""

import csv
import io
import random
from datetime import datetime, timedelta
from pathlib import Path

HEADER = [
    "_id", "death_date_and_time", "manner_of_death", "age", "sex", "race", "case_dispo",
    *(f"combined_od{number}" for number in range(1, 11)), "incident_zip", "decedent_zip", "case_year",
]  # fmt: skip
LABELS = ("Fentanyl", "Cocaine", "Heroin", "Alcohol", "Xylazine", "Despropionyl fentanyl (4-ANPP)", "Gabapentin", "Para-fluorofentanyl")


def rows() -> list[dict[str, str]]:
    chance = random.Random(3)  # noqa: S311  # the same rows each time
    found = []
    for number in range(30):
        # A wall clock without a zone, as the file has it.
        died = datetime(2021, 2, 1, 4, 11) + timedelta(days=9 * number, minutes=chance.randint(0, 900))  # noqa: DTZ001
        one = dict.fromkeys(HEADER, "") | {
            "_id": str(number + 1), "death_date_and_time": died.isoformat(), "manner_of_death": ("Accident", "Accidents")[number % 2],
            "age": str(chance.randint(18, 80)), "sex": chance.choice(("Male", "Female")), "race": "W", "case_dispo": "MO",
            "incident_zip": "15299", "decedent_zip": "15000", "case_year": str(died.year),
        }  # fmt: skip
        for place, label in enumerate(chance.sample(LABELS, chance.randint(1, 5)), 1):
            one[f"combined_od{place}"] = label
        found.append(one)
    found[0]["incident_zip"] = ""
    found[1]["death_date_and_time"] = "2021-02-11T00:00:00"  # only the day is known
    found[2]["sex"] = "U"
    return found


def table(found: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


def files() -> dict[str, bytes]:
    found = rows()
    revised = found[3] | {"combined_od10": "Carfentanil"}
    bad = [found[4] | {"_id": "900", "death_date_and_time": ""}, found[4] | {"_id": "901", "death_date_and_time": "2021-13-01T00:00:00"}]
    return {"deaths.csv": table(found), "deaths_revised.csv": table([*found, revised, found[5], *bad])}


if __name__ == "__main__":
    for name, content in files().items():
        Path(__file__).with_name(name).write_bytes(content)
