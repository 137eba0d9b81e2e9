"""``spikewatch backtest --stored`` and the rules of a running service: a real gRPC server over a store in memory, in its own process."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikewatch.cli.main import main

SERVER = """
import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from pydantic import SecretStr
from spikewatch.alerts.adapters.rules_file import SHIPPED, rules_of, rules_of_package
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.handlers.rule_calls import RuleServicer
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.testing import InMemoryContributionStore
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import add_RuleServiceServicer_to_server
from spikewatch.chassis.grpc.server import make_server

async def serve():
    store, first = InMemoryContributionStore(), datetime(2025, 1, 1, 12, tzinfo=UTC)
    for day in range(365):
        for _ in range({40: 3, 100: 4, 200: 3}.get(day, int(day % 4 == 1))):
            at = micros(first + timedelta(days=day))
            await store.save([(None, Held("county:42001", uuid4(), 1, "", (at,), (0,), ((),)))])
    book = rules_of_package(SHIPPED)
    test = BackTest(book, store, rules_of, clock=lambda: datetime(2026, 6, 1, tzinfo=UTC))
    server = make_server(token=SecretStr("right"), reflection=False, names=())
    print(await server.start(lambda s: add_RuleServiceServicer_to_server(RuleServicer(book, test), s), "127.0.0.1", 0), flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
RULES = """\
rules:
  - id: three-a-day
    version: 1
    enabled: false
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


@pytest.fixture
def rules(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SPIKEWATCH_ALERTS_ADDRESS", address)
    monkeypatch.setenv("SPIKEWATCH_ALERTS_TOKEN", "right")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "counts.csv").write_text("date,count,area\n2025-01-01,1,county:42001\n")
    (tmp_path / "spikes.csv").write_text(
        "event_id,start,end,county_fips\nhit,2025-04-10,2025-04-11,42001\nmissed,2025-05-11,2025-05-12,42001\nelsewhere,2025-04-10,2025-04-11,42003\n"
    )
    return str(tmp_path / "rules.yaml")


def test_what_is_stored_is_tested_printed_and_drawn_as_a_file_is(rules, tmp_path, capsys):
    asked = ["backtest", rules, "--stored", "--area", "county:42001", "--labels", f"{tmp_path}/spikes.csv"]
    assert main([*asked, "--json", "--plot", f"{tmp_path}/p.png"]) == 0
    out = capsys.readouterr()
    told = json.loads(out.out)
    (verdict,) = told["sets"][0]["verdicts"]
    assert [alarm["observed"] for alarm in verdict["alarms"]] == [3, 4, 3]
    assert {one["name"]: one["days_to_detection"] for one in verdict["labelled"]} == {"hit": 1.5, "missed": None}
    assert (told["history"], told["start"][:10], told["end"][:10]) == ("stored", "2025-01-02", "2025-12-28")
    assert told["overdoses"] == verdict["overdoses"] == 101
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert "101 overdoses in 1 areas over 0.99 years; 2 labelled spikes in these areas and years, 1 elsewhere" in out.err
    assert main([*asked, "--against", "running"]) == 0
    printed = capsys.readouterr().out
    assert "three-a-day v1" in printed
    assert "poisson-72h v1" in printed


def test_a_part_of_a_year_and_all_areas_of_a_kind(rules, capsys):
    asked = ["backtest", rules, "--stored", "--area-kind", "county", "--since", "2025-03-01", "--until", "2025-04-30", "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["start"], told["end"]) == ("2025-03-01T00:00:00+00:00", "2025-05-01T00:00:00+00:00")
    assert [alarm["observed"] for alarm in told["sets"][0]["verdicts"][0]["alarms"]] == [4]


def test_a_rule_that_scans_is_tested_with_as_many_draws_as_are_asked_for(rules, tmp_path, capsys):
    scan = RULES.replace("three-a-day", "near").replace("fixed_count", "space_time_scan").replace("window_hours: 24", "window_hours: 72")
    (tmp_path / "scan.yaml").write_text(scan.replace("{threshold: 3, comparison: at_least}", "{radius_km: 3, probability: 0.05}"))
    asked = ["backtest", f"{tmp_path}/scan.yaml", "--stored", "--area", "county:42001", "--json"]
    assert main(asked) == 0
    shown = capsys.readouterr()
    (verdict,) = json.loads(shown.out)["sets"][0]["verdicts"]
    assert (verdict["rule"], verdict["overdoses"], verdict["alarms"]) == ("near", 0, [])
    assert "near: no overdose with a map cell is stored in these areas" in shown.err
    # a year, and the days before it that tell what was open already
    assert re.search(r"near: 3[67]\d looks, one a day, with [\d,]+ draws\n", shown.err)
    assert re.search(r"the service answered after \d+\.\d s, [\de.-]+ s for each look\n", shown.err)
    assert main(["backtest", rules, "--stored", "--area", "county:42001", "--json"]) == 0
    assert "look" not in capsys.readouterr().err, "no rule scans"
    assert main([*asked, "--draws", "19"]) == 2
    assert "draws are too few: near asks for a chance below 0.05; expected more than 19 draws" in capsys.readouterr().err


def test_the_rules_of_the_running_service_are_listed_explained_and_compared(rules, capsys):
    assert main(["rules", "ls", "running", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out) if one["enabled"] == "yes"] == [
        "odmap-24h",
        "mean-2sd-24h",
        "poisson-72h",
    ]
    assert main(["rules", "explain", "running", "odmap-24h"]) == 0
    assert "more than 10" in capsys.readouterr().out
    assert main(["rules", "diff", "shipped", "running"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["rules", "diff", "running", rules, "--json"]) == 0
    assert {one["rule"]: one["change"] for one in json.loads(capsys.readouterr().out)}["three-a-day"] == "added"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--stored",), "no area is named"),
        ((), "give a HISTORY, or --stored"),
        (("{folder}/counts.csv", "--stored", "--area", "county:42001"), "and not both"),
        (("{folder}/counts.csv", "--since", "2025-01-01"), "give --stored"),
        (("--stored", "--area", "county:42003"), "no overdose is stored in these areas"),
        (("--stored", "--area", "zip:42003"), "areas is watched by none of the rules"),
        (("--stored", "--area", "county:42001", "--since", "spring"), "--since is no time"),
        (("--stored", "--area", "county:42001", "--since", "2027-01-01"), "start is not before the end"),
        (("--stored", "--area-kind", "county", "--labels", "{folder}/spikes.csv"), "give --area beside --labels"),
        (("--stored", "--area", "county:42001", "--address", "127.0.0.1:1"), "does not answer; start it with `spikewatch up`"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(rules, tmp_path, capsys, arguments, told):
    assert main(["backtest", rules, *(one.replace("{folder}", str(tmp_path)) for one in arguments)]) == 2
    assert told in capsys.readouterr().err


def test_a_wrong_token_and_no_service_at_all_say_what_to_do(rules, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPIKEWATCH_ALERTS_TOKEN", "wrong")
    assert main(["rules", "ls", "running"]) == 2
    assert "set SPIKEWATCH_ALERTS_TOKEN" in capsys.readouterr().err
    monkeypatch.delenv("SPIKEWATCH_ALERTS_ADDRESS")
    assert main(["rules", "ls", "running", "--folder", str(tmp_path)]) == 2
    assert "spikewatch up" in capsys.readouterr().err
