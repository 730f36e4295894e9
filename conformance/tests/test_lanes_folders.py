"""Scratch folders: a run's own, and what of killed runs is removed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from virtproof.lanes.folders import MARKER, make_folder, reap_folders, remove_folder, started


def owned(base: Path, **changes: object) -> Path:
    folder = make_folder(base)
    owner = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    (folder / MARKER).write_text(json.dumps(owner | changes), encoding="utf-8")
    (folder / "inside").mkdir()
    return folder


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_folder_of_a_living_process_stays(tmp_path: Path) -> None:
    folder = owned(tmp_path)
    assert reap_folders(tmp_path) == ()
    assert (folder / "inside").is_dir()
    remove_folder(folder)
    remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_the_folders_of_dead_processes_go(tmp_path: Path) -> None:
    dead = [owned(tmp_path, pid=dead_pid()), owned(tmp_path, started="1"), owned(tmp_path, boot="another")]
    alive = owned(tmp_path)
    assert set(reap_folders(tmp_path)) == {str(each) for each in dead}
    assert list(tmp_path.iterdir()) == [alive]
    assert reap_folders(tmp_path) == ()


def test_a_process_that_ended_and_was_not_waited_for_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert started(process.pid) == ""
        folder = owned(tmp_path, pid=process.pid, started="1")
        assert reap_folders(tmp_path) == (str(folder),)


def test_a_folder_of_another_process_namespace_stays(tmp_path: Path) -> None:
    folder = owned(tmp_path, namespace="pid:[1]", pid=dead_pid())
    assert reap_folders(tmp_path) == ()
    assert folder.is_dir()


@pytest.mark.parametrize("marker", [None, "", "[]", "{}", '{"boot": 1}', '{"boot": "x"'])
def test_a_folder_without_a_whole_marker_stays(tmp_path: Path, marker: str | None) -> None:
    folder = tmp_path / "virtproof-x"
    folder.mkdir()
    if marker is not None:
        (folder / MARKER).write_text(marker, encoding="utf-8")
    reaped = reap_folders(tmp_path)
    assert reaped == (() if marker != '{"boot": 1}' else (str(folder),))


def test_a_folder_with_another_name_or_behind_a_link_stays(tmp_path: Path) -> None:
    dead = owned(tmp_path, pid=dead_pid())
    dead.rename(tmp_path / "mine")
    (tmp_path / "virtproof-link").symlink_to(tmp_path / "mine")
    assert reap_folders(tmp_path) == ()
    assert (tmp_path / "mine" / "inside").is_dir()


def test_a_folder_of_another_user_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = owned(tmp_path, pid=dead_pid())
    with monkeypatch.context() as other:
        other.setattr("virtproof.lanes.folders.os.geteuid", lambda: folder.stat().st_uid + 1)
        assert reap_folders(tmp_path) == ()
    assert reap_folders(tmp_path) == (str(folder),)


def test_a_process_has_a_beginning_and_a_dead_one_none() -> None:
    assert started(os.getpid()).isdigit()
    assert started(dead_pid()) == ""
