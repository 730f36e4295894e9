"""Files as a tar archive: how the engine takes them, for a build and into a container.

What belongs here: the packing, the same bytes each time. What does not: which files.
"""

import io
import tarfile
from collections.abc import Mapping


def packed(files: Mapping[str, bytes], mode: int) -> bytes:
    """An archive of the files by name, each with this mode, owned by root and of no date."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), mode
            tar.addfile(entry, io.BytesIO(files[name]))
    return archive.getvalue()
