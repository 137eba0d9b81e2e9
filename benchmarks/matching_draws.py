"""Simulated reports of many agencies about overdoses whose truth is known, in the columns that ``spikewatch dedupe`` reads.

    python benchmarks/matching_draws.py --mix hard --seed 7 --overdoses 5000 -o draw.csv

The mixes stand in ``matching_mixes.py``. Nobody's data: every row is drawn.
"""

import argparse
import csv
import math
import random
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from matching_mixes import MIXES, TRIALS, Mix

COLUMNS = (
    "report_id",
    "received_at",
    "agency",
    "agency_record_no",
    "cad_no",
    "unit",
    "event_time",
    "time_precision",
    "address_text",
    "city",
    "zip",
    "lat",
    "lon",
    "geo_precision",
    "age",
    "age_approx",
    "sex",
    "race",
    "outcome",
    "naloxone",
    "naloxone_doses",
    "drug",
    "disposition",
    "hospital",
    "narrative_code",
    "is_resend",
    "truth_event",
    "truth_person",
    "truth_kind",
)
_PACIFIC = ZoneInfo("America/Los_Angeles")
START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Scene:
    x: float
    y: float
    street: str
    cross: str
    house: int
    axis: int


class City:
    def __init__(self, mix: Mix, draw: random.Random) -> None:
        self.mix, self.draw = mix, draw
        self.hot = [self.somewhere() for _ in range(mix.hot_spots)]

    def somewhere(self) -> Scene:
        draw, mix = self.draw, self.mix
        count = int(mix.extent_m / mix.block_m)
        # Denser in the middle, as people live.
        row, column = (min(max(int(draw.gauss(0.5, 0.22) * count), 0), count - 1) for _ in range(2))
        along = draw.uniform(0.05, 0.95)
        axis = draw.randrange(2)
        x, y = (column + along, row) if axis else (column, row + along)
        first, cross = (f"{row + 1}TH", f"OAK{column}") if axis else (f"OAK{column}", f"{row + 1}TH")
        return Scene(x * mix.block_m, y * mix.block_m, first, cross, 100 * (column if axis else row) + 2 * int(along * 49) + 1, axis)

    def position(self, x: float, y: float) -> tuple[str, str]:
        lat = self.mix.lat + y / 111_195
        lon = self.mix.lon + x / (111_195 * math.cos(math.radians(self.mix.lat)))
        return f"{lat:.6f}", f"{lon:.6f}"

    def zip5(self, scene: Scene) -> str:
        wide = self.mix.extent_m / 5
        return f"{90100 + int(scene.x // wide) + 6 * int(scene.y // wide)}"

    def place(self, scene: Scene, kind: str) -> dict[str, str]:
        draw, mix = self.draw, self.mix
        suffix = draw.choice(["ST", "STREET", "ST.", "STR", ""])
        point, block, _ = {"CAD": (0.77, 0.06, 0), "EMS": (0.9, 0, 0), "FIRE": (0.47, 0.4, 0), "POLICE": (0.3, 0.56, 0)}.get(
            kind, (1, 0, 0)
        )
        chance = draw.random()
        x, y, house = scene.x, scene.y, scene.house
        if kind == "CAD" and draw.random() < 0.08:
            moved = draw.choice([-60, -40, 40, 60, 120])
            x, y, house = (x + moved, y, house + moved // 4 * 2) if scene.axis else (x, y + moved, house + moved // 4 * 2)
        start = scene.house // 100 * 100
        if chance < point:
            text, precision = f"{max(house, 1)} {scene.street} {suffix}".strip(), "address"
            if kind == "EMS" and draw.random() < 0.3:
                text += draw.choice([" APT 3", " #204", " RM 12"])
            x, y = x + draw.gauss(0, mix.noise_m), y + draw.gauss(0, mix.noise_m)
        elif chance < point + block:
            text, precision = f"{start} {draw.choice(['BLK', 'BLOCK OF', 'Block of'])} {scene.street} {suffix}".strip(), "block"
            along = (start / 100 + 0.5) * mix.block_m
            x, y = (along, y) if scene.axis else (x, along)
        else:
            text, precision = f"{scene.street} {draw.choice(['&', '/', 'AND'])} {scene.cross}", "intersection"
            along = (start / 100) * mix.block_m
            x, y = (along, y) if scene.axis else (x, along)
        if draw.random() < mix.misplaced:
            if draw.random() < 0.5:
                x, y = draw.uniform(0, mix.extent_m), draw.uniform(0, mix.extent_m)
            else:
                x, y = x + draw.uniform(-600, 600), y + draw.uniform(-600, 600)
        lat, lon = self.position(x, y)
        known = draw.random() < 0.62
        return {"address_text": text, "zip": self.zip5(scene) if known else "", "lat": lat, "lon": lon, "geo_precision": precision}


def draw_reports(mix: Mix, overdoses: int, seed: int) -> list[dict[str, str]]:
    draw = random.Random(seed)
    city = City(mix, draw)
    rows: list[dict[str, Any]] = []
    serial = number = 0
    span = overdoses / mix.per_day
    people: list[dict[str, Any]] = []
    moments = sorted(draw.uniform(0, span) for _ in range(overdoses))
    for day in moments:
        if number >= overdoses:
            break
        at = START + timedelta(days=day)
        serial += draw.randrange(40, 4_000)
        call = mix.call_number.format(year=25, serial=serial)
        kind, person = "single", _person(draw, city)
        scene = draw.choice(city.hot) if draw.random() < mix.hot else city.somewhere()
        if people and draw.random() < mix.repeats:
            kind, person = "repeat", draw.choice(people[-400:])
        group = [(at, call, person)]
        if draw.random() < mix.twins:
            kind = "twin"
            own = mix.call_number.format(year=25, serial=serial + draw.randrange(2, 30))
            while len(group) < 2 or draw.random() < mix.further:
                gap = timedelta(minutes=draw.uniform(0, mix.twin_minutes))
                group.append((at + gap, call if draw.random() < mix.one_call else own, _person(draw, city)))
        for when, called, who in group:
            rows += _overdose(city, draw, scene, when, called, who, number, kind)
            people.append(who)
            number += 1
    rows += [_resent(row, draw) for row in rows if draw.random() < mix.resends]
    rows.sort(key=lambda row: (row["received_at"], row["agency_record_no"]))
    for index, row in enumerate(rows):
        row["report_id"] = f"R{index:07d}"
    return [{column: str(row.get(column, "")) for column in COLUMNS} for row in rows]


def _person(draw: random.Random, city: City) -> dict[str, Any]:
    return {
        "id": draw.randrange(1 << 30),
        "age": min(max(int(draw.gauss(42, 14)), 15), 95),
        "sex": "M" if draw.random() < 0.7 else "F",
        "race": draw.choices("WBHAO", (44, 26, 21, 6, 3))[0],
        "home": city.somewhere(),
    }


def _overdose(  # noqa: C901, PLR0912, PLR0915  # one overdose, told agency by agency
    city: City, draw: random.Random, scene: Scene, at: datetime, call: str, who: dict[str, Any], number: int, kind: str
) -> list[dict[str, Any]]:
    mix = city.mix
    fatal = draw.random() < 0.08
    walked_in = draw.random() < 0.07
    transported = not walked_in and draw.random() < (0.3 if fatal else 0.65)
    hospital = draw.choices(mix.hospitals, [4.0, *[1.5] * (len(mix.hospitals) - 1)])[0]
    drug = draw.choices(["OPIOID", "FENTANYL", "HEROIN", "METH", "COCAINE", "UNKNOWN"], (40, 22, 10, 8, 6, 14))[0]
    naloxone = draw.random() < 0.62
    made: list[dict[str, Any]] = []

    def lag(mean: float, deviation: float, *, late: float = 0.0) -> datetime:
        return at + timedelta(minutes=mix.shift * draw.gauss(mean, deviation) + late)

    def report(agency: str, when: datetime, *, sex: float, race: float, age: float, rough: float, step: int = 1) -> dict[str, Any]:
        keep = 1.0 - mix.missing
        row: dict[str, Any] = {
            "agency": agency,
            "agency_record_no": f"{agency[:2]}{100_000 + draw.randrange(10**8)}",
            "event_time": when,
            "time_precision": "second",
            "city": city.mix.city if draw.random() < 0.8 else "",
            "truth_event": number,
            "truth_person": who["id"],
            "truth_kind": kind,
            "is_resend": 0,
        }
        if draw.random() < sex * keep:
            wrong = draw.random() < (0.06 if agency in {"CAD", "FIRE"} else 0.012)
            row["sex"] = {"M": "F", "F": "M"}[who["sex"]] if wrong else who["sex"]
        if draw.random() < race * keep:
            row["race"] = who["race"]
        if draw.random() < age * keep:
            approximate = draw.random() < rough
            told = who["age"] + (draw.gauss(0, 7) if approximate else draw.choices((0, 1, -1), (92, 4, 4))[0])
            row["age"] = max(int(5 * round(told / 5)) if approximate and step > 1 else int(told), 1)
            row["age_approx"] = int(approximate)
        row["received_at"] = when + timedelta(minutes=draw.expovariate(1 / 400))
        return row

    shared = draw.random() < 0.5  # systems of one centre carry the call's number along
    if not walked_in:
        if draw.random() < 0.99:
            row = report("CAD", lag(0, 1.2), sex=0.5, race=0, age=0.43, rough=0.7, step=5)
            made.append(row | city.place(scene, "CAD") | {"cad_no": call, "outcome": "UNKNOWN", "narrative_code": "23D1 OVERDOSE"})
        for _ in range((draw.random() < 0.95) + (draw.random() < 0.11)):
            row = report("EMS", lag(8, 4), sex=0.97, race=0.7, age=0.96, rough=0.06, step=5)
            outcome = "FATAL" if fatal and not transported else draw.choices(["NONFATAL", "IMPROVED", ""], (86, 10, 4))[0]
            row |= {"outcome": outcome, "naloxone": int(naloxone), "cad_no": call if draw.random() < mix.ems_number else "", "unit": "M01"}
            row["disposition"] = "TRANSPORT" if transported else "DOS" if fatal else "REFUSED"
            row["hospital"] = hospital if transported and draw.random() < 0.95 - mix.missing else ""
            row["drug"] = drug if draw.random() < 0.6 else ""
            row["naloxone_doses"] = draw.randrange(1, 4) if naloxone and draw.random() < 0.8 else ""
            made.append(row | city.place(scene, "EMS"))
        if draw.random() < 0.5:
            row = report("FIRE", lag(4.6, 3), sex=0.33, race=0, age=0.4, rough=0.5)
            row |= {"cad_no": call if shared else "", "outcome": draw.choice(["", "FATAL" if fatal else "NONFATAL"])}
            row["naloxone"] = int(naloxone and draw.random() < 0.6) if draw.random() < 0.4 else ""
            made.append(row | city.place(scene, "FIRE"))
        if draw.random() < 0.42:
            row = report("POLICE", lag(14, 8, late=mix.late + draw.expovariate(1 / 18) - 8), sex=0.9, race=0.6, age=0.8, rough=0.3, step=5)
            row |= {"cad_no": call if draw.random() < 0.12 else "", "outcome": "FATAL" if fatal else "NONFATAL", "time_precision": "minute"}
            row["naloxone"] = int(naloxone and draw.random() < 0.55) if draw.random() < 0.8 else ""
            row["drug"] = (drug if draw.random() < 0.75 else "FENTANYL") if draw.random() < 0.5 else ""
            if draw.random() < mix.midnight:
                row["event_time"] = row["event_time"].replace(hour=0, minute=0, second=0)
                row["time_precision"] = draw.choice(["minute", "minute", "day"])
            made.append(row | city.place(scene, "POLICE"))

    lives: list[Scene] = []  # two hospitals are told one home

    def visit(when: datetime, there: str) -> dict[str, Any]:
        row = report("ED", when, sex=0.99, race=0.9, age=0.99, rough=0)
        row |= {"hospital": there, "outcome": "FATAL" if fatal and draw.random() < 0.5 else "NONFATAL", "time_precision": "minute"}
        row |= {"disposition": draw.choice(["DISCHARGED", "ADMITTED", "AMA"]), "drug": drug if draw.random() < 0.5 else ""}
        row["naloxone"] = int(naloxone) if draw.random() < 0.3 else ""
        chance = draw.random()
        if not lives:
            lives.append(scene if draw.random() < 0.4 else who["home"])
        home = lives[0]
        if chance < 0.1:
            row |= city.place(home, "ED")
        elif chance < 0.82:
            wide = mix.extent_m / 5
            lat, lon = city.position((home.x // wide + 0.5) * wide, (home.y // wide + 0.5) * wide)
            row |= {"zip": city.zip5(home), "lat": lat, "lon": lon, "geo_precision": "zip"}
        else:
            row["geo_precision"] = "none"
        return row

    if walked_in or (transported and draw.random() < 0.93):
        made.append(visit(lag(42, 12, late=0 if walked_in else mix.late), hospital))
    if not fatal and mix.walk_ins and not walked_in and not transported and draw.random() < mix.walk_ins:
        hours = draw.lognormvariate(math.log(mix.walk_in_hours), 0.9)
        made.append(visit(at + timedelta(hours=hours), draw.choice(mix.hospitals)))
    received = [row["hospital"] for row in made if row["agency"] == "ED"]
    further = [one for one in mix.hospitals if one not in received]
    if not fatal and mix.transfers and received and further and draw.random() < mix.transfers:
        hours = draw.lognormvariate(math.log(mix.transfer_hours), 0.5)
        made.append(visit(made[-1]["event_time"] + timedelta(hours=hours), draw.choice(further)))
    if fatal and draw.random() < 0.95:
        when = at + timedelta(minutes=mix.shift * draw.lognormvariate(4.8, 1.2))
        row = report("ME", when, sex=0.99, race=0.97, age=0.98, rough=0) | {"outcome": "FATAL", "time_precision": "minute"}
        row |= city.place(scene, "ME") | {"drug": drug if draw.random() < 0.6 else ""}
        if transported:
            row |= {"hospital": hospital, "geo_precision": "place", "address_text": f"{hospital} HOSPITAL"}
            row["lat"], row["lon"] = city.position(mix.extent_m * 0.4, mix.extent_m * 0.6)
        if draw.random() < 0.2:
            row["event_time"], row["time_precision"] = when.replace(hour=0, minute=0, second=0), "day"
        row["received_at"] = when + timedelta(days=draw.uniform(2, 30))
        made.append(row)
    for row in made:
        _spoilt(row, city, draw)
        row["received_at"] = f"{row['received_at']:%Y-%m-%dT%H:%M:%SZ}"
        row["event_time"] = f"{row['event_time']:%Y-%m-%dT%H:%M:%SZ}"
    return made


def _spoilt(row: dict[str, Any], city: City, draw: random.Random) -> None:
    mix, agency = city.mix, row["agency"]
    row["event_time"] += timedelta(minutes=dict(mix.clocks).get(agency, 0.0))
    if agency in mix.local:
        row["event_time"] = row["event_time"].astimezone(_PACIFIC).replace(tzinfo=UTC)
    is_blurred = agency in mix.coarse or (mix.blurred and draw.random() < mix.blurred)
    if is_blurred and row.get("geo_precision") not in {"zip", "none", None}:
        wide = mix.extent_m / 5
        north, east = (float(row["lat"]) - mix.lat) * 111_195, (float(row["lon"]) - mix.lon) * 111_195 * math.cos(math.radians(mix.lat))
        row["lat"], row["lon"] = city.position((east // wide + 0.5) * wide, (north // wide + 0.5) * wide)
        row |= {"geo_precision": "zip", "address_text": "", "zip": f"{90100 + int(east // wide) + 6 * int(north // wide)}"}
    if mix.placeless and draw.random() < mix.placeless:
        row |= {"lat": "", "lon": "", "geo_precision": "none", "address_text": "", "zip": ""}
    for column in mix.without:
        row[column] = ""


def _resent(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    later = datetime.fromisoformat(row["received_at"]) + timedelta(hours=draw.uniform(1, 72))
    again = row | {"received_at": f"{later:%Y-%m-%dT%H:%M:%SZ}", "is_resend": 1}
    if draw.random() < 0.15:
        again["outcome"] = ""
    return again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mix", choices=[*MIXES, *TRIALS], default="default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--overdoses", type=int, default=5_000)
    parser.add_argument("--twins", type=float, help="share of overdoses with a second person at the scene")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    mix = (MIXES | TRIALS)[given.mix]
    if given.twins is not None:
        mix = replace(mix, twins=given.twins)
    with given.output.open("w", newline="", encoding="utf-8") if given.output else sys.stdout as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(draw_reports(mix, given.overdoses, given.seed))


if __name__ == "__main__":
    main()
