"""Scratch folders that outlive no run: each says who made it, and the next run removes those of owners that are gone.

What belongs here: making, removing and reaping such folders. What does not: what is put into them. A folder is reaped only if its
name has our prefix, the folder and its marker belong to this user, and the marker's process is gone; a marker from another
process namespace of a running machine (a container that shares the folder) is left alone, because its process cannot be seen.

A process may be killed between any two calls. So the marker is a link whose target tells the owner, since symlink(2) is atomic
where a file is there before its content; it is the last that goes from a folder; and a folder that is empty yet, or again, has a
name that only we give and is reaped too: whoever is just making it makes another one.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "virtproof-"
MARKER: Final = ".owner"
_MADE: Final = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")  # as mkdtemp names them
_ENDED: Final = ("Z", "X")


def places() -> tuple[Path, ...]:
    """Where such folders are: the machine's temporary folder, and those in which a socket's path is short."""
    known = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - private folders are made there
    return tuple(dict.fromkeys(known))


def make_folder(base: Path | None = None) -> Path:
    """A new folder under `base`, the machine's temporary folder by default, marked as this process's."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    try:
        mark(folder, owner_of(os.getpid()))
    except FileNotFoundError:  # another run found it empty
        return make_folder(base)
    return folder


def mark(folder: Path, owner: Mapping[str, object]) -> None:
    """Note in a folder whose it is; `owner` as `owner_of` has it."""
    (folder / MARKER).symlink_to(json.dumps(owner))


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; what is gone already is no error. What cannot be removed keeps its marker."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.name != MARKER:
                _remove(each)
        if {each.name for each in folder.iterdir()} <= {MARKER}:
            (folder / MARKER).unlink(missing_ok=True)
            folder.rmdir()


def reap_folders(*bases: Path) -> tuple[str, ...]:
    """Remove the folders of killed runs, in all `places` by default; their paths."""
    found = [folder for base in bases or places() for folder in sorted(base.glob(f"{PREFIX}*"))]
    return tuple(str(folder) for folder in found if _reaped(folder))


def _reaped(folder: Path) -> bool:
    if _is_left_behind(folder):
        remove_folder(folder)
        return True
    return _is_ours(folder) and _was_empty(folder)


def _is_left_behind(folder: Path) -> bool:
    marker = folder / MARKER
    try:
        ours = not folder.is_symlink() and {folder.lstat().st_uid, marker.lstat().st_uid} == {os.geteuid()}
        owner = json.loads(str(marker.readlink())) if ours else None
        return owner is not None and is_gone(owner)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # not ours, not finished, or removed by another worker meanwhile


def _is_ours(folder: Path) -> bool:
    """Whether name and owner are as `make_folder` makes them."""
    with suppress(OSError):
        return _MADE.fullmatch(folder.name) is not None and folder.lstat().st_uid == os.geteuid()
    return False


def _was_empty(folder: Path) -> bool:
    """Whether it was empty, and is gone therefore; rmdir(2) asks and removes at once."""
    with suppress(OSError):
        folder.rmdir()
        return True
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def is_gone(owner: Mapping[str, object]) -> bool:
    """Whether an owner, as `owner_of` told it, has ended. Raises KeyError or ValueError for what is no owner."""
    if owner["boot"] != _boot():
        return True
    if owner["namespace"] != _namespace():
        return False
    pid = int(str(owner["pid"]))
    return owner["started"] != started(pid)


def owner_of(pid: int) -> dict[str, object]:
    """A process so that another one can tell whether it has ended: also after its id was used again, and after a boot."""
    return {"boot": _boot(), "namespace": _namespace(), "pid": pid, "started": started(pid)}


def started(pid: int) -> str:
    """When a process began, in clock ticks since boot; tells it from a later one of its id.

    Empty when there is none, and for one that has ended and that its parent has not asked after yet.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()  # proc(5): counted after the name, which may hold spaces; state is 3, start 22
    return "" if fields[0] in _ENDED else fields[19]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())
