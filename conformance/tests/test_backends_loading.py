"""Finding backends: those that ship, files, and those that packages add."""

import sys
from pathlib import Path

import pytest

from virtproof.backends.availability import Availability, discover
from virtproof.backends.loading import PROVISIONERS as NAMED
from virtproof.backends.loading import load, load_all, names, shipped
from virtproof.backends.model import Basis
from virtproof.errors import UsageError
from virtproof.lanes.provisioning import PROVISIONERS
from virtproof_driver import Capability
from virtproof_driver.hypervisors.test import TEST

MINE = 'name = "mine"\nbasis = "mock"\nuri = "test:///default"\n'
V9 = {"libvirt": "9.0.0"}


def nowhere(_name: str, path: str) -> None:
    """A machine without the program."""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that adds backends by entry points."""
    info = tmp_path / "adder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adder\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[virtproof.backends]\nmine = adder:backend\nwrong = adder:number\nabsent = adder:nothing\n", encoding="utf-8"
    )
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    (tmp_path / "adder.py").write_text(
        "from pathlib import Path\nnumber = 3\ndef backend():\n    return Path(__file__).parent / 'mine.toml'\n", encoding="utf-8"
    )
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "adder", raising=False)
    return tmp_path


def test_the_backends_that_ship_load_by_name() -> None:
    assert shipped() == ("lxc", "qemu", "test", "test-rpc")
    _lxc, _qemu, test, rpc = load_all(shipped())
    assert (test.name, test.basis, test.transports) == ("test", Basis.MOCK, ("in-process",))
    assert (rpc.name, rpc.basis, rpc.transports) == ("test-rpc", Basis.MOCK, ("unix", "tcp"))
    assert tuple(PROVISIONERS) == NAMED


def test_the_manifests_that_ship_say_what_the_reference_driver_claims() -> None:
    in_process, remote = TEST.refusals(remote=False), TEST.refusals(remote=True)
    assert load("test").refusals(V9).keys() == in_process.keys()
    doors = {
        Capability.CONNECTION_AUTH,
        Capability.CONNECTION_TLS,
        Capability.CONNECTION_SSH,
    }  # the lane's daemon has none of them
    assert load("test-rpc").refusals(V9).keys() == remote.keys() | doors


def test_a_file_loads_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    backend = load(str(path))
    assert (backend.name, backend.uri, backend.origin) == ("mine", "test:///default", str(path))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no backend 'tset'; did you mean 'test'"):
        load("tset")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(UsageError) as raised:
        load(str(path))
    assert str(raised.value) == f"{path}: No such file or directory; give the path of a readable TOML file"


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"binary\.toml: not UTF-8 .*; save the file as UTF-8"):
        load(str(path))


def test_two_backends_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace("mine", "test"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.toml: name: 'test' is also the name in test\.toml"):
        load_all(("test", str(path)))


def test_a_package_adds_backends_by_entry_points(added: Path) -> None:
    assert names()[:4] == ("lxc", "qemu", "test", "test-rpc")
    assert {"mine", "wrong", "absent"} <= set(names())
    backend = load("mine")
    assert (backend.name, backend.uri) == ("mine", "test:///default")
    assert backend.origin.startswith(str(added / "mine.toml"))


@pytest.mark.parametrize(("name", "problem"), [("wrong", "int is no path"), ("absent", "cannot be loaded: AttributeError")])
def test_an_entry_point_that_names_no_file_is_told(added: Path, name: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"entry point {name} = adder:.* of virtproof.backends: .*{problem}"):
        load(name)


def test_discovery_lists_all_and_says_why_one_cannot_be_used(added: Path) -> None:
    found = {each.name: each for each in discover()}
    assert found["test"] == Availability(
        name="test", basis=Basis.MOCK, transports=("in-process",), origin="test.toml (ships with virtproof)", reason=""
    )
    assert found["test-rpc"].available
    assert found["mine"].available
    assert not found["wrong"].available
    assert "is no path" in found["wrong"].reason


def test_discovery_says_that_the_daemon_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtproof.lanes.daemon.shutil.which", nowhere)
    found = {each.name: each for each in discover()}
    assert found["test"].available
    assert found["test-rpc"].reason == "libvirtd is not installed; install it (on Debian: apt-get install libvirt-daemon)"
