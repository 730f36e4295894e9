"""Descriptors are handed over on no connection that could not carry them."""

import pytest

from virtproof.judges import judge_case
from virtproof.judges.descriptors import HANDING_OVER, is_remote
from virtproof.judges.tape import Tape

LOCAL = ["test:///default", "qemu:///system", "qemu+unix:///system?socket=/run/x", "lxc:///"]
REMOTE = ["qemu+tls://h/system", "qemu+ssh://root@h:22/system", "qemu+libssh://h/system", "lxc+tcp://h/system", "qemu://h/system"]


def rules_of(tape: Tape) -> list[str]:
    return [violation.rule for violation in judge_case(tape.done())]


@pytest.mark.parametrize("uri", LOCAL)
def test_a_socket_carries_descriptors(uri: str) -> None:
    tape = Tape()
    tape.call("open", uri)
    tape.call("openGraphicsFD", 0, 0)
    assert (is_remote(uri), "connection.descriptor" in rules_of(tape)) == (False, False)


@pytest.mark.parametrize("uri", REMOTE)
@pytest.mark.parametrize("method", sorted(HANDING_OVER))
def test_no_other_transport_does(uri: str, method: str) -> None:
    tape = Tape()
    tape.call("openAuth", uri)
    tape.call(method, 0, raises=(1, 7))
    assert (is_remote(uri), rules_of(tape).count("connection.descriptor")) == (True, 1)


def test_the_connection_opened_last_counts() -> None:
    tape = Tape()
    tape.call("open", REMOTE[0])
    tape.call("open", LOCAL[0])
    tape.call("openGraphicsFD", 0)
    assert "connection.descriptor" not in rules_of(tape)


def test_other_calls_are_free() -> None:
    tape = Tape()
    tape.call("open", REMOTE[0])
    tape.call("openConsole", None, "Stream:x", 0)
    tape.call("screenshot", "Stream:x", 0, 0)
    assert "connection.descriptor" not in rules_of(tape)
