"""What is kept of a case that failed, beside its evidence: logs, and each domain's XML as it was before the teardown.

What belongs here: collecting while the case runs, and writing the files when it failed. What does not: where logs come from
(`lanes`), and linking the files (`report`). Nothing of a passed case is kept. Passphrases are masked: libvirt leaves them out of
XML by itself, and a log may show the command line of a hypervisor.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

FOLDER: Final = "attachments"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._\[\]@+-]+")
_LONGEST: Final = 120  # of a file's name; file systems take 255 bytes
_SECRET: Final = re.compile(
    rb"""((?:["']?\b(?:data|key|password|passwd|passphrase)["']?)\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,}&]+)""", re.IGNORECASE
)


class Described(Protocol):
    """A domain, as libvirt-python has it."""

    def name(self) -> str: ...
    def XMLDesc(self, flags: int = 0) -> str: ...  # noqa: N802 - libvirt-python's name


class Attachments:
    """The attachments of the case that is open. Without `out` none are kept."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._files: dict[str, bytes] = {}
        self._domains: dict[str, None] = {}

    @property
    def wanted(self) -> bool:
        """Whether any would be kept."""
        return self._out is not None

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the domains that were looked at."""
        return tuple(self._domains)

    def begin(self) -> None:
        """Forget the case before."""
        self._files.clear()
        self._domains.clear()

    def look_at(self, domain: Described, inactive: int) -> None:
        """Keep a domain's XML, live and as it is defined (`inactive` is the flag for it); one that goes meanwhile is left out."""
        if self._out is None:
            return
        with suppress(Exception):
            name = domain.name()
            self._domains[name] = None
            self._files[f"{name}.xml"] = domain.XMLDesc(0).encode()
            self._files[f"{name}.inactive.xml"] = domain.XMLDesc(inactive).encode()

    def write(self, lane: str, case: str, logs: Mapping[str, bytes]) -> tuple[str, ...]:
        """Write what was collected, and these logs, for a case that failed; the files' paths in the run's directory."""
        return tuple(self._written(lane, case, {**self._files, **logs})) if self._out is not None else ()

    def _written(self, lane: str, case: str, files: Mapping[str, bytes]) -> Iterator[str]:
        out = self._out or Path()
        folder = Path(FOLDER, *map(safe, lane.split("/")), safe(case))
        for name in sorted(files):
            path = folder / safe(name)
            (out / folder).mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(masked(files[name]))
            yield path.as_posix()


def safe(name: str) -> str:
    """A name that every file system takes, and no path to elsewhere."""
    return _UNSAFE.sub("_", name).lstrip(".")[:_LONGEST] or "_"


def masked(text: bytes) -> bytes:
    """The text without what stands after `password=`, `"data":` and their like."""
    return _SECRET.sub(rb"\1***", text)
