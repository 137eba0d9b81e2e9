"""Writes invented deaths in the layout of Connecticut's accidental drug related deaths. No person and no death in it is real."""

import csv
import io
import random
from pathlib import Path

HEADER = [
    "Date",
    "Date Type",
    "Age",
    "Sex",
    "Race",
    "Ethnicity",
    "Residence City",
    "Residence County",
    "Residence State",
    "Injury City",
    "Injury County",
    "Injury State",
    "Injury Place",
    "Description of Injury",
    "Death City",
    "Death County",
    "Death State",
    "Location",
    "Location if Other",
    "Cause of Death",
    "Manner of Death",
    "Other Significant Conditions ",
    "Heroin",
    "Heroin death certificate (DC)",
    "Cocaine",
    "Fentanyl",
    "Fentanyl Analogue",
    "Oxycodone",
    "Oxymorphone",
    "Ethanol",
    "Hydrocodone",
    "Benzodiazepine",
    "Methadone",
    "Meth/Amphetamine",
    "Amphet",
    "Tramad",
    "Hydromorphone",
    "Morphine (Not Heroin)",
    "Xylazine",
    "Gabapentin",
    "Opiate NOS",
    "Heroin/Morph/Codeine",
    "Other Opioid",
    "Any Opioid",
    "Other",
    "ResidenceCityGeo",
    "InjuryCityGeo",
    "DeathCityGeo",
]
CITIES = (("ALDERTON", "HARTFORD", 41.71, -72.61), ("BIRCHFORD", "NEW HAVEN", 41.33, -72.95), ("CEDARBURY", "WINDHAM", 41.83, -72.01))
STATE = "CT\n(41.575155, -72.738288)"


def geo(city: tuple[str, str, float, float]) -> str:
    return f"{city[0]}, CT\n({city[2]}, {city[3]})"


def row(**cells: str) -> dict[str, str]:
    return dict.fromkeys(HEADER, "") | {name.replace("__", " "): cell for name, cell in cells.items()}


def rows() -> list[dict[str, str]]:
    chance = random.Random(41)  # noqa: S311  # the same rows each time
    found = []
    for number in range(24):
        home, scene, end = (chance.choice(CITIES) for _ in range(3))
        one = row(
            Date=f"{1 + number % 12:02d}/{1 + number:02d}/2019", Age=str(chance.randint(19, 71)), Sex=chance.choice(("Male", "Female")),
            Race="White", Location="Residence",
        )  # fmt: skip
        one |= {
            "Date Type": "DateReported" if number % 6 == 5 else "DateofDeath",
            "Residence City": home[0], "Residence County": home[1], "Residence State": "CT", "ResidenceCityGeo": geo(home),
            "Injury City": scene[0], "Injury County": scene[1], "Injury State": ("CONNECTICUT", "")[number % 2],
            "Injury Place": ("Residence", "Home", "Friend\u2019s House", "Hotel or Motel")[number % 4],
            "Description of Injury": "used drugs", "InjuryCityGeo": geo(scene),
            "Death City": end[0], "Death County": end[1], "Death State": "CT", "DeathCityGeo": geo(end),
            "Cause of Death": "Acute fentanyl and cocaine intoxication",
            "Manner of Death": ("Accident", "ACCIDENT", "accident")[number % 3],
            "Cocaine": "Y", "Fentanyl": ("Y", "y", "Y POPS", "Y")[number % 4], "Any Opioid": "Y",
            "Heroin": "N" if number % 5 == 0 else "",
        }  # fmt: skip
        found.append(one)
    # Traps: a state's middle for a town, no injury place at all, a death elsewhere, drugs in the columns Other, a case that is pending.
    found[1]["InjuryCityGeo"] = STATE
    found[2] |= {"Injury City": "", "Injury County": "", "InjuryCityGeo": "", "Injury State": "UNKNOWN"}
    found[3] |= {"Injury City": "FAROFF", "Injury County": "", "Injury State": "NEW YORK", "InjuryCityGeo": ""}
    found[4] |= {"Other Opioid": "mitragynine", "Other": "PCP, bupivacaine"}
    found[6] |= {"Manner of Death": "Pending", "Cause of Death": "Pending further studies", "Fentanyl": "", "Cocaine": "", "Any Opioid": ""}
    return found


def table(found: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


def files() -> dict[str, bytes]:
    found = rows()
    later = found[6] | {"Manner of Death": "Accident", "Cause of Death": "Fentanyl toxicity", "Fentanyl": "Y", "Any Opioid": "Y"}
    bad = [row(Age="40", Sex="Male"), found[0] | {"Date": "13/45/2019"}, found[0] | {"Date": "01/01/2999"}]
    # A later file: one cause is now known, two rows are as they were, three cannot be read.
    return {"deaths.csv": table(found), "deaths_and_corrections.csv": table([*found, later, found[0], found[1], *bad])}


if __name__ == "__main__":
    for name, content in files().items():
        Path(__file__).with_name(name).write_bytes(content)
