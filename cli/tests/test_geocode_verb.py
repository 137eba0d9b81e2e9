import csv
import gzip
import io
import json
import random
import shlex
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikewatch.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "geodata"
FIXED = ["geo_lat", "geo_lon", "geo_precision", "geo_radius_m", "geo_confidence", "geo_matched"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The index of the example town."""
    path = tmp_path_factory.mktemp("index") / "town.geoindex"
    names = ("streets.csv", "points.csv", "places.geojson", "landmarks.csv", "aliases.csv")
    assert main(["geodata", "build", *(str(EXAMPLE / name) for name in names), "-o", str(path)]) == 0
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_example_of_the_help_runs(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "town.geoindex").write_bytes(Path(index).read_bytes())
    (folder / "calls.csv").write_bytes((EXAMPLE / "calls.csv").read_bytes())
    with pytest.raises(SystemExit):
        main(["geocode", "--help"])
    shown = capsys.readouterr().out
    example = " ".join(shown[shown.index("Example: ") :].split()).removeprefix("Example: spikewatch ")
    assert main(shlex.split(example)) == 0
    found = rows((folder / "placed.csv").read_text(encoding="utf-8"))
    assert [row["call"] for row in found] == [f"26-000{number}" for number in range(1, 9)]
    assert [name for name in found[0] if name.startswith("geo_")][:6] == FIXED
    told = [row["geo_precision"] for row in found]
    assert told[:3] + told[4:6] + told[7:] == ["block", "intersection", "point", "landmark", "range", "none"]
    assert found[0]["geo_matched"] == "200 BLOCK MAPLE AVE"
    assert (found[7]["geo_lat"], found[7]["geo_radius_m"], found[7]["geo_confidence"]) == ("", "", "0.0")


def test_rows_keep_their_order_and_their_columns_whatever_stands_in_them(index: str, folder: Path) -> None:
    texts = [f"{number % 9 + 1}50 Elm Ave" if number % 3 else f'x, "{number}"\n;' for number in range(2_500)]
    with (folder / "in.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "Incident Address", "note;"], *([number, text, "é"] for number, text in enumerate(texts))])
    assert main(["geocode", "--index", index, "-o", "out.csv", "in.csv"]) == 0
    found = rows((folder / "out.csv").read_text(encoding="utf-8"))
    assert [(int(row["id"]), row["Incident Address"], row["note;"]) for row in found] == [
        (number, text, "é") for number, text in enumerate(texts)
    ]
    assert {row["geo_precision"] for row in found if int(row["id"]) % 3} == {"range"}


def test_json_lines_come_out_as_json_lines_with_their_own_kinds(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [{"address": "250 Elm Ave", "zip": 99951, "units": [1, 2]}, {"address": None, "n": 1.5}]
    (folder / "in.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, given)).encode()))
    assert main(["geocode", "--index", index, "in.jsonl.gz"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert {name: first[name] for name in given[0]} == given[0]
    assert (first["geo_precision"], first["geo_reasons"], type(first["geo_lat"])) == ("range", [], float)
    assert (second["n"], second["geo_lat"], second["geo_precision"]) == (1.5, None, "none")


def test_output_is_gzipped_and_json_by_its_name(index: str, folder: Path) -> None:
    (folder / "in.csv").write_text("address\n250 Elm Ave\n")
    assert main(["geocode", "--index", index, "-o", "out.jsonl.gz", "in.csv"]) == 0
    [row] = (json.loads(line) for line in gzip.decompress((folder / "out.jsonl.gz").read_bytes()).splitlines())
    assert (row["address"], row["geo_zip"]) == ("250 Elm Ave", "99951")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("250 Elm Ave\n\n3RD ST/ELM AVE\n", []),
        ("address\n250 Elm Ave\n\n3RD ST/ELM AVE\n", []),
        ("id,where it was\n1,250 Elm Ave\n2,\n3,3RD ST/ELM AVE\n", ["--address", "Where it was"]),
        ('{"address": "250 Elm Ave"}\n{}\n{"address": "3RD ST/ELM AVE"}\n', []),
    ],
    ids=["lines", "one column", "named", "json"],
)
def test_standard_input_is_lines_csv_or_json(
    index: str, text: str, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    assert main(["geocode", "--index", index, *options, "-"]) == 0
    out = capsys.readouterr().out
    found = [json.loads(line) for line in out.splitlines()] if out.startswith("{") else rows(out)
    told = [row["geo_precision"] for row in found]
    assert told in (["range", "none", "intersection"], ["range", "intersection"])  # a blank line of CSV is no row


def test_commas_of_an_address_are_its_own_where_there_is_one_column(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text('address\n250 Elm Ave, Westmark\n"350 Elm Ave, Apt 3"\n')
    (folder / "in.txt").write_text("Elm Ave / 3rd St, Westmark\n250 Elm Ave, Westmark, 99951\n")
    for name in ("in.csv", "in.txt"):
        assert main(["geocode", "--index", index, name]) == 0
        found = rows(capsys.readouterr().out)
        assert ["none" in row["geo_precision"] for row in found] == [False, False]
    assert found[1]["address"] == "250 Elm Ave, Westmark, 99951"


def test_parts_of_an_address_are_joined_and_homes_are_left_alone(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("house_number,street_name,Patient City,Patient Zip\n250,Elm Ave,Farville,10001\n")
    assert main(["geocode", "--index", index, "in.csv"]) == 0
    shown = capsys.readouterr()
    assert "address in house_number + street_name\n" in shown.err
    assert rows(shown.out)[0]["geo_precision"] == "range"


def test_a_column_can_be_left_out_and_named(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("address,zip,area\n250 Elm Ave,10001,99951\n")
    assert main(["geocode", "--index", index, "--zip", "area", "--city", "", "in.csv"]) == 0
    assert "ZIP code in area" in capsys.readouterr().err
    assert main(["geocode", "--index", index, "--zip", "", "in.csv"]) == 0
    assert "ZIP" not in capsys.readouterr().err


def test_refused_rows_are_counted_and_listed_and_the_others_come_out(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("id,address\n1,250 Elm Ave\n2,250 Elm Ave, Apt 3\n3\n")
    assert main(["geocode", "--index", index, "--errors", "errors.jsonl", "in.csv"]) == 1
    shown = capsys.readouterr()
    assert [row["id"] for row in rows(shown.out)] == ["1", "3"]
    assert "1 refused" in shown.err
    [refused] = (json.loads(line) for line in (folder / "errors.jsonl").read_text().splitlines())
    assert (refused["file"], refused["line"], refused["problem"]) == ("in.csv", 3, "more cells than the header has")
    assert "Elm" not in json.dumps({name: refused[name] for name in ("file", "problem", "expected")})
    (folder / "in.jsonl").write_text('{"address": "250 Elm Ave"}\n{"address": \n[1]\n')
    assert main(["geocode", "--index", index, "in.jsonl"]) == 1


def test_a_second_run_writes_its_columns_anew(index: str, folder: Path) -> None:
    (folder / "in.csv").write_text("address\n250 Elm Ave\n")
    assert main(["geocode", "--index", index, "-o", "once.csv", "in.csv"]) == 0
    assert main(["geocode", "--index", index, "-o", "twice.csv", "once.csv"]) == 0
    assert (folder / "twice.csv").read_bytes() == (folder / "once.csv").read_bytes()


def test_points_get_their_street_the_other_way_round(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("id,latitude,longitude\n1,30.05301,-44.9475\n2,31.5,-44.9475\n3,x,1\n")
    assert main(["geocode", "--reverse", "--index", index, "in.csv"]) == 1
    near, far = rows(capsys.readouterr().out)
    assert (near["geo_street"], near["geo_block"], float(near["geo_distance_m"]) < 5) == ("ELM AVE", "300", True)
    assert near["geo_cross_street"] in {"3RD ST", "4TH ST"}
    assert far["geo_street"] == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,b\0\n1,2\n", "is no text; expected CSV, JSON lines or plain lines"),
        (b"id,count\n1,2\n", "no column of in.csv looks like addresses"),
        (b"a,a\n1,2\n", "more than once"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    index: str, folder: Path, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "in.csv").write_bytes(content)
    assert main(["geocode", "--index", index, "in.csv"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.strip().splitlines())) == ("", 1)
    assert told in shown.err


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--address", "missing"], "has no column 'missing'"), (["--lat", "x"], "--reverse"), (["-o", "no/such/x.csv"], "cannot be written")],
)
def test_an_option_that_cannot_be_is_one_sentence(
    index: str, folder: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "in.csv").write_text("address\n250 Elm Ave\n")
    assert main(["geocode", "--index", index, *options, "in.csv"]) == 2
    assert told in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("option", ["-o", "--errors"])
def test_the_file_that_is_read_is_never_written(index: str, folder: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("address\n250 Elm Ave\n")
    assert main(["geocode", "--index", index, option, "./in.csv", "in.csv"]) == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert (folder / "in.csv").read_text() == "address\n250 Elm Ave\n"


def test_an_array_of_objects_is_told_how_to_become_lines(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.json").write_text('[{"address": "250 Elm Ave"},\n {"address": "350 Elm Ave"}]\n')
    assert main(["geocode", "--index", index, "in.json"]) == 2
    assert "jq -c '.[]'" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_sentence(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in.csv").write_text("address\n" + "250 Elm Ave\n" * 1000)
    assert main(["geocode", "--index", index, "-o", "/dev/full", "in.csv"]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("spikewatch: the output cannot be written")


def test_a_truncated_index_is_told(index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x.geoindex").write_bytes(Path(index).read_bytes()[:-100])
    assert main(["geocode", "--index", "x.geoindex", "in.csv"]) == 2
    assert "is cut short" in capsys.readouterr().err


def test_a_thousand_columns_and_a_cell_of_ten_megabytes_are_no_trouble(index: str, folder: Path) -> None:
    header = ["address", *(f"c{number}" for number in range(999))]
    with (folder / "in.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([header, ["250 Elm Ave", *["1"] * 999], ["x " * 5_000_000, *["1"] * 999]])
    assert main(["geocode", "--index", index, "-o", "out.csv", "in.csv"]) == 0
    csv.field_size_limit(1 << 26)
    with (folder / "out.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [row["geo_precision"] for row in found] == ["range", "none"]
    assert found[0]["c998"] == "1"


def test_no_socket_is_opened(index: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    (folder / "in.csv").write_text("address\n250 Elm Ave\nunknown place\n")
    assert main(["geodata", "build", str(EXAMPLE / "streets.csv"), "-o", "own.geoindex"]) == 0
    assert main(["geodata", "check", "--index", "own.geoindex", str(EXAMPLE / "known.csv")]) == 0
    for arguments in (["in.csv"], ["--reverse", str(EXAMPLE / "known.csv")]):
        assert main(["geocode", "--index", index, "-o", "out.csv", *arguments]) == 0


@pytest.mark.parametrize("seed", range(40))
def test_any_bytes_end_in_rows_or_in_a_sentence(seed: int, index: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(seed)
    content = bytearray((EXAMPLE / "calls.csv").read_bytes())
    for _ in range(rng.randint(1, 30)):
        place = rng.randrange(len(content))
        content[place : place + rng.randint(0, 5)] = rng.randbytes(rng.randint(0, 6)).replace(b"\0", b"x" if seed % 4 else b"\0")
    name = rng.choice(["in.csv", "in.txt", "in.jsonl", "in.tsv"])
    (folder / name).write_bytes(content)
    status = main(["geocode", "--index", index, name])
    shown = capsys.readouterr()
    assert status in {0, 1, 2}
    assert (status == 2) == shown.err.strip().splitlines()[-1].startswith("spikewatch: ")
