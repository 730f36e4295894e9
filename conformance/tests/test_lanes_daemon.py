"""A daemon's process and configuration: where it may listen, and that it dies with its owner."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtproof.errors import LaneUnavailable
from virtproof.lanes import daemon as module
from virtproof.lanes.bare import opened
from virtproof.lanes.daemon import Daemon, configuration_text, environment, libvirtd
from virtproof.lanes.folders import make_folder, reap_folders, remove_folder
from virtproof.lanes.test_rpc import short_base, tcp_uri, unix_uri

# Starts a daemon, says where and as which process, and waits to be killed.
OWNER = """
from virtproof.lanes.daemon import Daemon
from virtproof.lanes.folders import make_folder
from virtproof.lanes.test_rpc import short_base
from pathlib import Path
import sys
folder = make_folder(Path(sys.argv[1]))
folder.chmod(0o711)
daemon = Daemon(folder, tcp=False)
daemon.start()
print((daemon.home / "libvirtd.pid").read_text().strip(), flush=True)
sys.stdin.read()
"""


def nowhere(_name: str, path: str) -> None:
    """A machine without the program."""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_folder(short_base())
    made.chmod(0o711)
    yield made
    remove_folder(made)


def test_a_daemon_answers_at_both_its_sockets_and_not_after_its_end(folder: Path) -> None:
    daemon = Daemon(folder, tcp=True)
    daemon.start()
    assert daemon.port is not None
    for uri in (unix_uri(daemon.socket), tcp_uri(daemon.port)):
        connection = opened(uri)
        assert connection.getType() == "TEST"
        connection.close()
    before = daemon.runs
    daemon.close()
    daemon.close()
    assert (before, daemon.runs) == (True, False)
    with pytest.raises(LaneUnavailable, match="cannot reach"):
        opened(unix_uri(daemon.socket))


def test_a_port_that_is_taken_is_given_up_for_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Daemon(folder, tcp=True)
    first.start()
    assert first.port is not None
    other = folder / "other"
    other.mkdir()
    ports = iter((first.port, first.port, module._free_port()))
    monkeypatch.setattr(module, "_free_port", lambda: next(ports))
    second = Daemon(other, tcp=True)
    second.start()
    assert second.port not in (None, first.port)
    first.close()
    second.close()


def test_a_daemon_dies_with_an_owner_that_is_killed_and_its_folder_is_reaped() -> None:
    base = make_folder(short_base())
    base.chmod(0o711)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        watched = os.pidfd_open(int(owner.stdout.readline()))
        assert reap_folders(base) == ()
        owner.send_signal(signal.SIGKILL)
    ended = select.poll()
    ended.register(watched, select.POLLIN)
    assert ended.poll(10_000)
    os.close(watched)
    assert len(reap_folders(base)) == 1
    assert [each.name for each in base.iterdir()] == [".owner"]
    remove_folder(base)


def test_the_configuration_lets_nobody_in_but_by_our_folder_and_the_loopback() -> None:
    text = configuration_text(Path("/run/x"), 16509)
    assert text.splitlines() == [
        'unix_sock_dir = "/run/x"',
        'auth_unix_rw = "none"',
        'auth_unix_ro = "none"',
        "listen_tls = 0",
        "listen_tcp = 1",
        'auth_tcp = "none"',
        'listen_addr = "127.0.0.1"',
        "keepalive_interval = -1",
        'tcp_port = "16509"',
    ]
    assert "listen_tcp = 0" in configuration_text(Path("/run/x"), None).splitlines()


def test_the_environment_is_private() -> None:
    made = environment(Path("/run/x"))
    assert {key: value for key, value in made.items() if key != "PATH"} == dict.fromkeys(
        ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), "/run/x"
    )


def test_a_machine_without_the_daemon_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtproof.lanes.daemon.shutil.which", nowhere)
    with pytest.raises(LaneUnavailable, match="libvirtd is not installed; install it"):
        libvirtd()
