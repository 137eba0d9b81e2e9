import importlib.util
import json
import shlex
from pathlib import Path

import pytest

from spikewatch.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "geodata"
TOWN = ["streets.csv", "points.csv", "places.geojson", "landmarks.csv", "aliases.csv"]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the example, in which the command runs."""
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_files_are_what_their_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate_geodata", EXAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, content in module.files().items():
        assert (EXAMPLE / name).read_bytes() == content, f"stale: python examples/geodata/generate.py ({name})"


@pytest.mark.parametrize("step", ["build", "propose", "check"])
def test_the_example_of_the_help_runs(step: str, town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["geodata", "build", *TOWN, "-o", "town.geoindex"]) == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["geodata", step, "--help"])
    shown = capsys.readouterr().out
    example = " ".join(shown[shown.index("Example: ") :].split()).removeprefix("Example: spikewatch ")
    assert main(shlex.split(example)) == 0
    assert (town / "town.geoindex").is_file()


def test_an_index_is_built_of_any_mixture_and_the_report_says_of_what(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["geodata", "build", *TOWN, "-o", "town.geoindex", "--vintage", "2026"]) == 0
    shown = capsys.readouterr()
    assert "streets.csv: street (95% sure: lines with names of streets, house numbers on both sides), streets, 2026" in shown.out
    assert "219 rows read, 219 kept" in shown.out
    assert "town.geoindex: " in shown.out
    assert "points.csv: taken for point" in shown.err
    assert [one.name for one in town.glob("*.geoindex")] == ["town.geoindex"]


def test_the_report_is_json_for_programs(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["geodata", "build", "streets.csv", "-o", "town.geoindex", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    [index], [source] = told["indexes"], told["sources"]
    assert (index["path"], index["segments"], index["bytes"]) == ("town.geoindex", 219, (town / "town.geoindex").stat().st_size)
    assert (source["kind"], source["read"], source["kept"], source["columns"]["name"]) == ("street", 219, 219, "FULL_NAME")


def test_refused_rows_are_counted_and_listed(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (town / "streets.csv").open("a") as stream:
        stream.write('Bad St,1,9,2,8,99951,99951,Westmark,99001,"LINESTRING (500 1, 501 1)"\n')
    assert main(["geodata", "build", "streets.csv", "-o", "town.geoindex", "--errors", "errors.jsonl"]) == 1
    assert "1 rows refused" in capsys.readouterr().err
    [row] = (json.loads(line) for line in (town / "errors.jsonl").read_text().splitlines())
    assert (row["file"], row["line"], row["problem"]) == ("streets.csv", 221, "a position that is nowhere on earth")
    assert {"field", "expected", "example"} <= set(row)


def test_a_map_that_was_proposed_is_taken_back(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["geodata", "propose", *TOWN, "-o", "map.yaml"]) == 0
    (town / "map.yaml").write_text((town / "map.yaml").read_text().replace("kind: street", "kind: street\n    vintage: '1999'"))
    assert main(["geodata", "build", *TOWN, "--map", "map.yaml", "-o", "town.geoindex"]) == 0
    assert "streets.csv: street (100% sure: the map says so), streets, 1999" in capsys.readouterr().out


def test_one_index_each_county_answers_as_one(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (town / "streets.csv").read_text().splitlines()
    east = [line.replace(",99001,", ",99003,").replace("Alder", "Cypress") for line in lines[1:12]]
    (town / "streets.csv").write_text("\n".join([*lines, *east]) + "\n")
    assert main(["geodata", "build", "streets.csv", "-o", "counties", "--each-county"]) == 0
    assert sorted(one.name for one in (town / "counties").iterdir()) == ["99001.geoindex", "99003.geoindex"]
    (town / "calls.csv").write_text("address\n250 Cypress Ave\n250 Beech Ave\n")
    capsys.readouterr()
    assert main(["geocode", "--index", "counties", "--json", "calls.csv"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["geo_precision"], row["geo_county"]) for row in rows] == [("range", "99003"), ("range", "99001")]


def test_known_points_are_scored(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["geodata", "build", *TOWN, "-o", "town.geoindex"]) == 0
    with (town / "known.csv").open("a") as stream:
        stream.write("1 Nowhere Blvd,,,30.05,-44.95\n250 Elm Ave,,,31.9,-44.95\n12 Elm Ave,,,,\n")
    capsys.readouterr()
    arguments = [
        "geodata",
        "check",
        "--index",
        "town.geoindex",
        "--json",
        "--misses",
        "misses.jsonl",
        "--errors",
        "errors.jsonl",
        "known.csv",
    ]
    assert main(arguments) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["refused"], told["within_100_m_share"], told["beyond_500_m_share"]) == (9, 1, 0.7778, 0.1111)
    assert sum(row["rows"] for row in told["by_precision"]) == sum(row["rows"] for row in told["reliability"]) == told["placed"]
    misses = [json.loads(line) for line in (town / "misses.jsonl").read_text().splitlines()]
    assert [(miss["line"], miss["metres"] is None) for miss in misses] == [(9, True), (10, False)]
    [refused] = (json.loads(line) for line in (town / "errors.jsonl").read_text().splitlines())
    assert (refused["line"], refused["problem"]) == (11, "no position")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["build", "missing.csv", "-o", "x.geoindex"], "does not exist"),
        (["build", "calls.csv", "-o", "x.geoindex"], "neither shapes, nor columns of latitude"),
        (["build", "streets.csv", "-o", "no/such/x.geoindex"], "its folder does not exist"),
        (["build", "streets.csv", "-o", "streets.csv"], "is one of the files that are read"),
        (["build", "streets.csv", "-o", "x.geoindex", "--errors", "no/such/e"], "cannot be written"),
        (["build", "-", "-o", "x.geoindex"], "save it in a file"),
        (["build", "cut.zip", "-o", "x.geoindex"], "breaks off or is damaged"),
        (["build", "streets.csv", "-o", "."], "is a folder"),
        (["build", "streets.csv", "-o", "calls.csv", "--each-county"], "is a file"),
        (["build", "streets.csv", "-o", "x.geoindex", "--kind", "streets.csv=road"], "--kind"),
        (["build", "streets.csv", "-o", "x.geoindex", "--kind", "streets.csv=skip"], "no file is left"),
        (["build", "streets.csv", "-o", "x.geoindex", "--county", "1"], "--county"),
        (["build", "streets.csv", "-o", "x.geoindex", "--map", "missing.yaml"], "cannot be read"),
        (["build", "empty.csv", "-o", "x.geoindex"], "is empty"),
        (["check", "--index", "streets.csv", "known.csv"], "is no geocoding index"),
        (["check", "--index", "missing.geoindex", "known.csv"], "cannot be read"),
        (["check", "--index", ".", "known.csv"], "holds no *.geoindex"),
        (["propose", "empty.csv"], "is empty"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_leaves_no_index(
    arguments: list[str], told: str, town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (town / "empty.csv").write_bytes(b"")
    (town / "cut.zip").write_bytes(b"PK\x03\x04 and half of a shapefile")
    assert main(["geodata", *arguments]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("spikewatch: ")
    assert told in last
    assert not list(town.rglob("*.geoindex"))


def test_nothing_that_could_be_used_leaves_no_index(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (town / "streets.csv").write_text('FULLNAME,wkt\n,"LINESTRING (-44 30, -44 31)"\n')
    assert main(["geodata", "build", "streets.csv", "--kind", "streets.csv=street", "-o", "x.geoindex"]) == 2
    assert "no row could be used" in capsys.readouterr().err
    assert not (town / "x.geoindex").exists()
