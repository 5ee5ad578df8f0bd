"""Starting the page: where it listens, and by which names it may be reached."""

import socket

import pytest

from app.server import launch


@pytest.fixture
def started(monkeypatch):
    """Commands that would have replaced this process."""
    commands = []
    monkeypatch.setattr(launch.os, "execve", lambda _, arguments, environment: commands.append(arguments[1:]))
    return commands


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def values(command: list[str], flag: str) -> list[str]:
    return [command[i + 1] for i, word in enumerate(command) if word == flag]


def test_one_person_gets_a_page_that_only_this_machine_reaches(started, capsys):
    port = free_port()
    launch.main(["--port", str(port)])
    assert values(started[0], "--server.address") == ["127.0.0.1"]
    assert values(started[0], "--server.allowedHosts") == ["127.0.0.1", "localhost"]
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().out


def test_a_room_gets_the_local_address_and_a_code_to_scan(started, capsys, monkeypatch):
    monkeypatch.setattr(launch, "local_address", lambda: "192.168.7.7")
    port = free_port()
    launch.main(["--room", "--port", str(port)])
    assert values(started[0], "--server.address") == ["0.0.0.0"]
    assert values(started[0], "--server.allowedHosts") == ["127.0.0.1", "localhost", "192.168.7.7"]
    assert values(started[0], "--browser.serverAddress") == ["192.168.7.7"], "Streamlit would ask the internet"
    shown = capsys.readouterr().out
    assert f"http://192.168.7.7:{port}" in shown
    assert "▄" in shown or "█" in shown


def test_a_port_that_is_taken_is_a_sentence(started):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} is already taken. Choose another: PORT={port + 1} make run"):
            launch.main(["--port", str(port)])
    assert started == []


@pytest.mark.parametrize("mode", [[], ["--room"]])
def test_an_address_asked_for_is_where_it_listens_and_the_one_it_names(started, capsys, mode):
    port = free_port()
    launch.main([*mode, "--address", "127.0.0.2", "--port", str(port)])
    assert values(started[0], "--server.address") == ["127.0.0.2"]
    assert values(started[0], "--server.allowedHosts") == ["127.0.0.1", "localhost", "127.0.0.2"]
    told = capsys.readouterr().out
    assert f"http://127.0.0.2:{port}" in told
    assert ("Only this computer reaches" in told) is bool(mode)
    assert "Everyone" not in told, "127.0.0.2 is nobody's but this machine's"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "70000"], "There is no port 70000"),
        (["--port", "0"], "There is no port 0"),
        (["--address", "192.0.2.77"], r"Nothing can listen on 192\.0\.2\.77, port \d+ \(Cannot assign"),
        (["--address", "no such name"], "Nothing can listen on no such name"),
    ],
)
def test_where_nothing_can_listen_it_says_why(started, arguments, sentence):
    with pytest.raises(SystemExit, match=sentence):
        launch.main(["--port", str(free_port()), *arguments])
    assert started == []


def test_a_room_whose_port_is_taken_on_the_network_is_told_its_own_command(started):
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(
            SystemExit, match=f"Port {port} is already taken. Choose another: PORT={port + 1} make class"
        ):
            launch.main(["--room", "--port", str(port)])
