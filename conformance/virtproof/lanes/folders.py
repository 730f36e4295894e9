"""Scratch folders that outlive no run: each says who made it, and the next run removes those of owners that are gone.

What belongs here: making, removing and reaping such folders. What does not: what is put into them. A folder is reaped only if its
name has our prefix, the folder and its marker belong to this user, and the marker's process is gone; a marker from another
process namespace of a running machine (a container that shares the folder) is left alone, because its process cannot be seen.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PREFIX: Final = "virtproof-"
MARKER: Final = ".owner.json"
_ENDED: Final = ("Z", "X")


def make_folder(base: Path | None = None) -> Path:
    """A new folder under `base`, the machine's temporary folder by default, marked as this process's."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    (folder / MARKER).write_text(json.dumps(owner_of(os.getpid())), encoding="utf-8")
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; what is gone already is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def reap_folders(base: Path | None = None) -> tuple[str, ...]:
    """Remove the folders of killed runs; their paths."""
    root = base or Path(tempfile.gettempdir())
    dead = [folder for folder in sorted(root.glob(f"{PREFIX}*")) if _is_left_behind(folder)]
    for folder in dead:
        remove_folder(folder)
    return tuple(str(folder) for folder in dead)


def _is_left_behind(folder: Path) -> bool:
    marker = folder / MARKER
    try:
        ours = not folder.is_symlink() and {folder.lstat().st_uid, marker.lstat().st_uid} == {os.geteuid()}
        owner = json.loads(marker.read_text(encoding="utf-8")) if ours else None
        return owner is not None and is_gone(owner)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # not ours, not finished, or removed by another worker meanwhile


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
