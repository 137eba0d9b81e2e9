"""Runs the demo as a person does, on real servers: nothing is faked, and its own checks decide."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from spikewatch_testing.patience import PATIENCE_S

pytestmark = [pytest.mark.integration, pytest.mark.slow(110)]

FEED = Path(__file__).parents[2].parent / "shared/data/incidents/montgomery_pa_911.csv.gz"


def demo(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "spikewatch.cli", "demo", "--folder", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * PATIENCE_S, check=False, env=dict(os.environ))
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "✗" not in done.stdout
    assert not folder.exists()  # it leaves nothing behind
    return done.stdout


def test_the_county_s_spike_is_found_and_every_figure_adds_up(tmp_path: Path) -> None:
    told = demo(tmp_path / "demo", "--speed", "7200")
    assert "✓ the spike of 14 overdoses in neighborhood:cedar-" in told
    assert re.search(r"open alert for ", told)
    assert "tell      Cedar County Health Department, spike_coordinator" in told
    assert "✓ one trace leads from the gateway to the alert" in told


def test_a_real_feed_s_overdose_calls_and_true_peaks_are_found(tmp_path: Path) -> None:
    if not FEED.exists():
        pytest.skip("the Montgomery County 911 file is not here")
    told = demo(tmp_path / "demo", "--feed", str(FEED))
    assert "✓ 99,492 records sent = 1,191 reports + 0 duplicates + 0 dead letters + 98,301 not an overdose" in told
    assert "✓ the highest 24 hours of county:42091 hold 16 overdoses, its alert says 16" in told
    rows = re.findall(r"county:42091 │ odmap-24h +│ closed │ +(\d+) │ +[\d.]* │ (\d{4}-\d\d-\d\d)", told)
    assert ("16", "2016-05-22") in rows
    assert ("13", "2016-03-23") in rows
