"""Files as a tar archive: how the engine takes them, for a build and into a container.

What belongs here: the packing. What does not: which files. All that is packed is root's, whoever packs it.
"""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_LEFT_OUT: Final = frozenset({"__pycache__"})


def packed(files: Mapping[str, bytes], mode: int) -> bytes:
    """An archive of the files by name, each with this mode, owned by root and of no date."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), mode
            tar.addfile(entry, io.BytesIO(files[name]))
    return archive.getvalue()


def packed_trees(paths: Iterable[Path]) -> bytes:
    """An archive of files and folders with all that is in them, each under its own name and with its mode."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(paths):
            tar.add(path, arcname=path.name, filter=_as_roots)
    return archive.getvalue()


def _as_roots(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if entry.name.rpartition("/")[2] in _LEFT_OUT:
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
