"""PostGIS's tiger geocoder over the same centreline.

It needs a city and a state, so ", San Francisco, CA" stands behind every string. Its own functions do the rest; each set is timed inside
the server in one session, without the way to a client. Where it reads nothing at all of what dispatchers write, a second line asks it with
the string rewritten: "1500 Block of LYON ST" as 1550 LYON ST, "A ST/B ST" as two streets to `geocode_intersection`.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.centreline import Segment
from benchmarks.peers.cluster import Cluster, cluster
from benchmarks.peers.results import Answers, Compared, PeerAbsentError, Placed
from benchmarks.peers.strings import BLOCKS, CROSSINGS, Known

NAME = "PostGIS tiger"
REWRITTEN = "PostGIS tiger, rewritten for it"
_BLOCK = re.compile(r"(\d+) Block of (.+)$", re.IGNORECASE)
_EXTENSIONS = """
CREATE EXTENSION postgis; CREATE EXTENSION fuzzystrmatch; CREATE EXTENSION postgis_tiger_geocoder;
ALTER DATABASE peers SET search_path = public, tiger;
"""
_TABLES = """
CREATE TABLE public.centreline (number bigint, name text, padded text, kind text, left_from int, left_to int, right_from int, right_to int,
    from_node bigint, to_node bigint, zip text, line text);
CREATE TABLE public.asked (number int, text text, other text);
CREATE TABLE public.placed (number int, lat double precision, lon double precision);
"""
# A string that makes the geocoder fail is one it does not match.
_ASK = """
TRUNCATE asked, placed;
COPY asked FROM STDIN (FORMAT csv);
{rows}\\.
DO $ask$
DECLARE
  one record; found geometry; started timestamptz;
BEGIN
  PERFORM geocode('1 MARKET ST, San Francisco, CA', 1);
  started := clock_timestamp();
  FOR one IN SELECT * FROM asked ORDER BY number LOOP
    BEGIN
      found := NULL;
      {call}
    EXCEPTION WHEN data_exception OR invalid_regular_expression OR raise_exception THEN
      found := NULL;
    END;
    INSERT INTO placed VALUES (one.number, ST_Y(found), ST_X(found));
  END LOOP;
  INSERT INTO placed VALUES (-1, extract(epoch FROM clock_timestamp() - started), NULL);
END
$ask$;
SELECT json_agg(json_build_array(number, lat, lon)) FROM placed;
"""
_ONE_STRING = "SELECT geomout INTO found FROM geocode(one.text, 1) ORDER BY rating LIMIT 1;"
_TWO_STREETS = """
      SELECT geomout INTO found FROM geocode_intersection(one.text, one.other, 'CA', 'San Francisco', '', 1) ORDER BY rating LIMIT 1;
"""


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> Compared:
    """Load a database and ask it every set.

    Raises:
        PeerAbsentError: it is not installed, or does not work.
    """
    with cluster("postgis_tiger_geocoder") as running:
        running.sql("postgres", "CREATE DATABASE peers;")
        running.sql("peers", _EXTENSIONS)
        running.sql("peers", _TABLES + _copied(pieces))
        running.sql("peers", (Path(__file__).with_name("postgis.sql")).read_text(encoding="utf-8"))
        version = running.sql("peers", "SELECT extversion FROM pg_extension WHERE extname = 'postgis_tiger_geocoder'; SHOW server_version;")
        geocoder, server = version.split("\n")[:2]
        answers = [_asked(running, NAME, name, [(f"{row.text}, San Francisco, CA", "") for row in rows]) for name, rows in sets.items()]
        answers.append(_asked(running, REWRITTEN, BLOCKS, [(f"{as_number(row.text)}, San Francisco, CA", "") for row in sets[BLOCKS]]))
        answers.append(_asked(running, REWRITTEN, CROSSINGS, [_halves(row.text) for row in sets[CROSSINGS]]))
    return Compared(f"postgis_tiger_geocoder {geocoder}, PostgreSQL {server.split()[0]}", answers)


def as_number(text: str) -> str:
    """Return a hundred-block as the house number in its middle."""
    block = _BLOCK.match(text)
    return text if block is None else f"{int(block[1]) + 50} {block[2]}"


def _halves(text: str) -> tuple[str, str]:
    one, _, other = text.partition("/")
    return one.strip(), other.strip()


def _copied(pieces: Sequence[Segment]) -> str:
    rows = (
        (piece.number, piece.name, piece.padded, piece.kind, *piece.left, *piece.right, *piece.nodes, piece.zip5,
         f"LINESTRING({','.join(f'{lon} {lat}' for lon, lat in piece.line)})")
        for piece in pieces
    )  # fmt: skip
    return f"COPY public.centreline FROM STDIN (FORMAT csv);\n{_csv(rows)}\\.\n"


def _asked(running: Cluster, geocoder: str, name: str, texts: Sequence[tuple[str, str]]) -> Answers:
    rows = _csv((number, text, other) for number, (text, other) in enumerate(texts))
    call = _TWO_STREETS if any(other for _, other in texts) else _ONE_STRING
    printed = running.sql("peers", _ASK.format(rows=rows, call=call), timeout=3600)
    places: list[Placed] = [None] * len(texts)
    seconds = 0.0
    for number, lat, lon in json.loads(printed):
        if number < 0:
            seconds = float(lat)
        elif lat is not None:
            places[number] = (float(lat), float(lon))
    if not seconds:
        raise PeerAbsentError("the tiger geocoder gave no time")
    return Answers(geocoder, name, places, seconds)


def _csv(rows: object) -> str:
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(rows)  # type: ignore[arg-type]
    return written.getvalue()
