import socket
import subprocess
import sys
from pathlib import Path

import pytest

from spikewatch.cli.stack import ports


def test_free_ports_are_free_distinct_and_below_the_range_of_outgoing_connections() -> None:
    found = [ports.free_port() for _ in range(50)]

    assert len(set(found)) == 50
    assert all(20_000 <= port < 32_768 for port in found)
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, found[0]))


def test_answers_tells_a_listener_from_none() -> None:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert ports.answers(ports.LOOPBACK, port)
    assert not ports.answers(ports.LOOPBACK, port)


@pytest.mark.skipif(sys.platform != "linux", reason="ports are claimed between processes on Linux only")
def test_a_port_that_another_process_was_given_is_not_given_while_it_lives() -> None:
    program = "from spikewatch.cli.stack.ports import free_port\nprint(free_port(), flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert not ports._take(port)  # though nothing listens there yet
        other.communicate("\n")
    assert ports._take(port)


def test_a_folder_keeps_its_port_while_it_is_free(tmp_path: Path) -> None:
    port = ports.kept_port(tmp_path, "kafka")
    assert ports.kept_port(tmp_path, "kafka") == port
    assert ports.kept_port(tmp_path, "mongod") != port
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, port))
        listener.listen()
        other = ports.kept_port(tmp_path, "kafka")
        assert other != port
    assert ports.kept_port(tmp_path, "kafka") == other


def test_a_broken_port_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "kafka.port").write_text("many", encoding="ascii")
    port = ports.kept_port(tmp_path, "kafka")
    assert (tmp_path / "kafka.port").read_text(encoding="ascii") == f"{port}\n"
