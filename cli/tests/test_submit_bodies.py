import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.replay.bodies import bodies, read_bodies
from spikewatch.cli.replay.pace import Pace

ZONE = ZoneInfo("Etc/GMT+3")


def test_json_lines_are_cut_into_bodies_with_their_bytes_as_they_were(tmp_path: Path) -> None:
    lines = [b'{"record_id": "A", "occurred_at": "2026-05-01T10:00:00Z"}', b"{broken", b'{"record_id":"\xff"}']
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"\n".join(lines[:2]) + b"\n\n" + lines[2])  # a blank line, and no end of line at the end
    found = list(read_bodies(str(path), records=2, zone=ZONE))
    assert [body.content for body in found] == [lines[0] + b"\n" + lines[1] + b"\n", lines[2] + b"\n"]
    assert [body.records for body in found] == [2, 1]
    assert {body.content_type for body in found} == {"application/x-ndjson"}
    assert [body.lines for body in found] == [(1, 2), (4,)]
    assert found[0].newest == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert found[1].newest is None


def test_csv_bodies_repeat_the_header_and_keep_a_row_that_spans_lines_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbfid,timeStamp,desc\n1,2026-05-01 10:00:00,"A\nB"\n2,2026-05-01 11:00:00,C\n3,,D'))
    one, two = read_bodies(str(path), records=2, zone=ZONE)
    assert one.content == b'id,timeStamp,desc\n1,2026-05-01 10:00:00,"A\nB"\n2,2026-05-01 11:00:00,C\n'
    assert two.content == b"id,timeStamp,desc\n3,,D\n"
    assert (one.records, two.records) == (2, 1)
    assert (one.lines, two.lines) == ((2, 4), (5,))
    assert one.newest == datetime(2026, 5, 1, 14, tzinfo=UTC)  # three hours behind UTC
    assert two.newest is None


def test_a_json_array_is_cut_and_a_single_object_is_sent_as_it_is() -> None:
    array = json.dumps([{"occurred_at": f"2026-05-01T1{hour}:00:00Z"} for hour in range(3)]).encode()
    found = list(bodies(io.BytesIO(array), "application/json", records=2, zone=ZONE))
    assert [len(json.loads(body.content)) for body in found] == [2, 1]
    assert found[0].newest == datetime(2026, 5, 1, 11, tzinfo=UTC)
    one = b' {"record_id": "A"}\n'
    assert [body.content for body in bodies(io.BytesIO(one), "application/json", records=2, zone=ZONE)] == [one]


@given(st.binary(max_size=400), st.sampled_from(["text/csv", "application/json", "application/x-ndjson"]), st.integers(1, 3))
def test_no_bytes_make_the_cutter_fail(content: bytes, content_type: str, records: int) -> None:
    found = list(bodies(io.BytesIO(content), content_type, records=records, zone=ZONE))
    assert all(1 <= body.records <= records for body in found)


def test_a_file_that_is_not_there_or_no_gzip_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="check the path"):
        list(read_bodies(str(tmp_path / "none.csv"), records=1, zone=ZONE))
    wrong = tmp_path / "feed.jsonl.gz"
    wrong.write_bytes(b"{}\n")
    with pytest.raises(CannotRun, match="not gzip"):
        list(read_bodies(str(wrong), records=1, zone=ZONE))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 5, 1, hour, minute, tzinfo=UTC)


def test_speed_spaces_bodies_by_event_time_and_a_late_one_never_turns_it_back() -> None:
    pace = Pace(speed=60)
    assert [pace.due(at(10), 1), pace.due(at(10, 30), 1), pace.due(at(9), 1), pace.due(None, 1), pace.due(at(11), 1)] == [0, 30, 30, 30, 60]


def test_a_time_in_the_future_holds_nothing_up() -> None:
    pace = Pace(speed=1, latest=at(12))
    assert pace.due(at(10), 1) == 0
    assert pace.due(at(10).replace(year=2030), 1) == 0


def test_rate_spaces_bodies_by_their_records() -> None:
    pace = Pace(rate=100)
    assert [pace.due(at(10), 50), pace.due(at(9), 50), pace.due(None, 10)] == [0, 0.5, 1.0]


def test_without_speed_or_rate_everything_is_due_at_once() -> None:
    pace = Pace()
    assert [pace.due(at(10), 5), pace.due(at(20), 5)] == [0, 0]
