"""Scratch folders: a run's own, and what of killed runs is removed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from virtproof.lanes import folders
from virtproof.lanes.folders import MARKER, make_folder, mark, owner_of, reap_folders, remove_folder, started


class KilledError(BaseException):
    """Stands for the end of the process."""


def keeping(*_: object, **__: object) -> None:
    """Stands for a removal that the system refuses."""


def killing(*_: object, **__: object) -> None:
    raise KilledError


def owned(base: Path, **changes: object) -> Path:
    folder = make_folder(base)
    (folder / MARKER).unlink()
    mark(folder, {**owner_of(os.getpid()), **changes})
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


@pytest.mark.parametrize(
    "marker",
    ["[]", "{}", '{"boot": 1}', '{"boot": "x"'],
)
def test_a_folder_without_a_whole_marker_stays(tmp_path: Path, marker: str) -> None:
    folder = tmp_path / "virtproof-x"
    folder.mkdir()
    (folder / MARKER).symlink_to(marker)
    reaped = reap_folders(tmp_path)
    assert reaped == (() if marker != '{"boot": 1}' else (str(folder),))


def test_a_folder_whose_maker_was_killed_before_it_was_marked_goes(tmp_path: Path) -> None:
    made = tmp_path / "virtproof-ab_cd3fg"
    made.mkdir()
    others = [tmp_path / "virtproof-mine", tmp_path / "virtproof-ab-cd-fg"]
    for each in others:
        each.mkdir()
    assert reap_folders(tmp_path) == (str(made),)
    assert all(each.is_dir() for each in others)


def test_a_folder_with_something_in_it_and_no_marker_stays(tmp_path: Path) -> None:
    (tmp_path / "virtproof-ab_cd3fg" / "inside").mkdir(parents=True)
    assert reap_folders(tmp_path) == ()


def test_a_folder_that_another_run_took_before_it_was_marked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[Path] = []

    def late(folder: Path, owner: Mapping[str, object]) -> None:
        if not marks:
            assert reap_folders(tmp_path) == (str(folder),)
        marks.append(folder)
        mark(folder, owner)

    monkeypatch.setattr(folders, "mark", late)
    folder = make_folder(tmp_path)
    assert [each != folder for each in marks] == [True, False]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_removal_that_was_killed_half_way_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = owned(tmp_path, pid=dead_pid())
    with monkeypatch.context() as killed:
        killed.setattr(Path, "rmdir", killing)
        killed.setattr(shutil, "rmtree", killing)
        with pytest.raises(KilledError):
            remove_folder(folder)
    assert {each.name for each in folder.iterdir()} == {MARKER, "inside"}
    assert reap_folders(tmp_path) == (str(folder),)
    assert not folder.exists()


def test_what_cannot_be_removed_keeps_its_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = owned(tmp_path, pid=dead_pid())
    with monkeypatch.context() as refused:
        refused.setattr(shutil, "rmtree", keeping)
        remove_folder(folder)
    assert (folder / MARKER).is_symlink()
    assert reap_folders(tmp_path) == (str(folder),)
    assert not folder.exists()


def test_folders_are_looked_for_wherever_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for each in (first, second):
        each.mkdir()
    monkeypatch.setattr(folders, "places", lambda: (first, second))
    dead = [owned(first, pid=dead_pid()), owned(second, pid=dead_pid())]
    assert reap_folders() == tuple(map(str, dead))


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
