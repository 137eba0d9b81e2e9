"""``spikewatch areas``: what it writes, lists, checks and tells."""

import json

import pytest

from spikewatch.cli.main import main


def square(west, side=1.0):
    west += 10  # 0, 0 is no place
    return {"type": "Polygon", "coordinates": [[[west, 10], [west + side, 10], [west + side, 11], [west, 11], [west, 10]]]}


def write(file, *features):
    members = [{"type": "Feature", "properties": {"name": name}, "geometry": shape} for name, shape in features]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": members}))
    return str(file)


@pytest.fixture
def geography(tmp_path, monkeypatch):
    folder = tmp_path / "geography"
    monkeypatch.setenv("SPIKEWATCH_ENRICHMENT_GEOGRAPHY", str(folder))
    return folder


def test_a_set_is_loaded_listed_and_asked(tmp_path, geography, capsys):
    file = write(tmp_path / "Cedar Town.geojson", ("Old Mill", square(0)), ("Hill", square(1)))
    assert main(["areas", "load", file, "--kind", "neighborhood", "--dry-run"]) == 0
    assert "would be version" in capsys.readouterr().err
    assert not geography.exists()
    assert main(["areas", "load", file, "--kind", "neighborhood", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["set"], told["areas"], told["written"], told["changed"]) == ("cedar-town", 2, True, None)
    assert main(["areas", "ls", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["set"], row["kinds"], row["areas"], row["version"]) == ("cedar-town", "neighborhood", 2, told["version"])
    assert main(["areas", "ls"]) == 0
    assert told["version"] in capsys.readouterr().out
    assert main(["areas", "at", "10.5", "11.5"]) == 0
    assert "neighborhood:hill" in capsys.readouterr().out
    write(tmp_path / "Cedar Town.geojson", ("Old Mill", square(0, 2.0)))
    assert main(["areas", "load", file, "--kind", "neighborhood"]) == 0
    said = capsys.readouterr().err
    assert "neighborhood:hill gone" in said
    assert "neighborhood:old-mill redrawn, 100.0% of its ground" in said


def test_check_tells_overlaps_and_areas_in_two_sets(tmp_path, geography, capsys):
    file = write(tmp_path / "a.geojson", ("One", square(0)), ("Two", square(0.5)))
    assert main(["areas", "load", file, "--kind", "district"]) == 0
    assert main(["areas", "check", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)
    assert "overlap by 50%" in problem["problem"]
    (geography / "b.geojson").write_text((geography / "a.geojson").read_text())
    assert main(["areas", "check"]) == 1
    assert "is in a too" in capsys.readouterr().out
    (geography / "b.geojson").write_text("{")
    assert main(["areas", "check"]) == 1
    assert "b.geojson" in capsys.readouterr().out


def test_areas_that_touch_are_no_problem(tmp_path, geography, capsys):
    assert main(["areas", "load", write(tmp_path / "a.geojson", ("One", square(0)), ("Two", square(1))), "--kind", "district"]) == 0
    assert main(["areas", "check"]) == 0
    assert "2 areas, 0 problems" in capsys.readouterr().err


def test_what_cannot_be_loaded_is_one_sentence(tmp_path, geography, capsys, monkeypatch):
    assert main(["areas", "load", str(tmp_path / "missing.geojson"), "--kind", "district"]) == 2
    assert capsys.readouterr().err.count("\n") <= 2
    geography.mkdir()
    (geography / "b.geojson").write_text("{")
    for verb in (["ls"], ["at", "0", "0"]):
        assert main(["areas", *verb]) == 2
        assert "b.geojson" in capsys.readouterr().err
    monkeypatch.delenv("SPIKEWATCH_ENRICHMENT_GEOGRAPHY")
    assert main(["areas", "ls"]) == 2
    assert "--geography" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["ls", "check"])
def test_a_folder_that_is_not_there_is_not_all_well(verb, tmp_path, capsys):
    assert main(["areas", verb, "--geography", str(tmp_path / "typo")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_an_empty_folder_is_said_to_be_empty(geography, capsys):
    geography.mkdir()
    assert main(["areas", "ls"]) == 0
    assert "no areas are loaded" in capsys.readouterr().err
