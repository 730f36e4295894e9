"""Whose a container is, and when the reaper may take it."""

import os
import platform
import subprocess
import sys

import pytest

from virtproof.lanes.containers.labels import OWNED, RUN, is_left_behind, labels_of
from virtproof.lanes.folders import is_gone, owner_of

HERE = platform.node()


def dead() -> dict[str, object]:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        owner = owner_of(process.pid)
        process.wait()
    return owner


def labels(owner: dict[str, object], host: str = HERE) -> dict[str, str]:
    return labels_of("0a1b2c", host, owner)


def test_labels_name_run_and_owner() -> None:
    found = labels(owner_of(os.getpid()))
    assert (found[OWNED], found[RUN], found[f"{OWNED}.pid"]) == ("1", "0a1b2c", str(os.getpid()))
    assert all(isinstance(value, str) for value in found.values())


def test_what_a_living_process_made_stays() -> None:
    assert not is_left_behind(labels(owner_of(os.getpid())), HERE, is_gone)


def test_what_a_dead_process_made_goes() -> None:
    assert is_left_behind(labels(dead()), HERE, is_gone)


def test_a_later_process_of_the_same_id_is_no_owner() -> None:
    assert is_left_behind(labels({**owner_of(os.getpid()), "started": "1"}), HERE, is_gone)


def test_what_was_made_before_the_machine_booted_goes() -> None:
    assert is_left_behind(labels({**owner_of(os.getpid()), "boot": "another"}), HERE, is_gone)


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"namespace": "pid:[1]"}])
def test_what_cannot_be_told_stays(change: dict[str, str]) -> None:
    owner = {**dead(), **{key: value for key, value in change.items() if key != "host"}}
    assert not is_left_behind(labels(owner, change.get("host", HERE)), HERE, is_gone)


@pytest.mark.parametrize("lost", ["host", "boot", "namespace", "pid", "started"])
def test_labels_that_are_not_whole_name_nobody(lost: str) -> None:
    found = labels(dead())
    del found[f"{OWNED}.{lost}"]
    assert not is_left_behind(found, HERE, is_gone)
