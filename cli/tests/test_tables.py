import json
from datetime import UTC, datetime

import pytest

from spikewatch.cli.tables import print_json, print_table


def test_a_table_keeps_long_values_whole_and_shows_none_as_empty(capsys: pytest.CaptureFixture[str]) -> None:
    address = "http://127.0.0.1:20000/" + "x" * 100
    print_table([{"part": "ingest", "address": address, "memory_mb": None}], title="parts")

    out = capsys.readouterr().out
    assert address in out
    assert "memory mb" in out
    assert "None" not in out


def test_brackets_in_values_are_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"found": "[bold]x[/bold]"}])

    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_json_holds_instants_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 5, 1, tzinfo=UTC)})

    assert json.loads(capsys.readouterr().out) == {"at": "2026-05-01 00:00:00+00:00"}
