"""Asking a container: what the engine loses of a command's output is never taken for an answer."""

from typing import TYPE_CHECKING, cast

import pytest

from virtproof.errors import SuiteError
from virtproof.lanes.containers.container import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtproof.lanes.containers.engine import Container


class Scripted:
    """A container whose commands come back as told."""

    id = "0123456789abcdef"

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self._answers: Iterator[tuple[int, bytes]] = iter(answers)

    def exec_run(self, _command: list[str]) -> tuple[int, bytes]:
        return next(self._answers)


def host(*answers: tuple[int, bytes]) -> Host:
    return Host(cast("Container", cast("object", Scripted(*answers))))


def test_an_answer_is_what_came_before_its_end() -> None:
    assert host((0, b"12\n\0")).ask("cat", "pid") == b"12\n"
    assert host((0, b"\0")).ask("cat", "empty") == b""


def test_an_answer_without_its_end_was_lost_and_is_asked_for_again() -> None:
    assert host((0, b""), (0, b"1"), (0, b"12\n\0")).ask("cat", "pid") == b"12\n"


def test_an_answer_that_is_lost_each_time_is_an_error() -> None:
    with pytest.raises(SuiteError, match="lost what cat pid printed"):
        host(*[(0, b"")] * 5).ask("cat", "pid")


def test_a_command_that_fails_is_an_error_with_what_it_printed_and_is_not_repeated() -> None:
    with pytest.raises(SuiteError, match="cat pid in the lane's container ended with 1: cat: no such file"):
        host((1, b"cat: no such file\n")).ask("cat", "pid")
    with pytest.raises(SuiteError, match="kill 7 in the lane's container ended with 2"):
        host((2, b"")).do("kill", "7")


def test_tails_leave_out_files_that_are_not_there() -> None:
    assert host((0, b"last words\0"), (1, b"no such file")).tails({"a.log": "/a", "b.log": "/b"}) == {"a.log": b"last words"}
