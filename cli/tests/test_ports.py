import socket

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
