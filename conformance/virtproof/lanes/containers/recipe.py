"""The recipe of the image that hosts QEMU and LXC: its files, which suite of Debian, and the digest that names the result.

What belongs here: values and what is computed from them. What does not: the files themselves (`virtproof/images`, and
`virtproof/guests/root` for what containers run), and building (`images`). The digest is over every file and the suite, so that a
changed recipe is another image, and an unchanged one is built once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from virtproof.lanes.containers.archives import packed

SUITE: Final = "trixie"  # QEMU 7.2 of bookworm loses dirty pages in migration under TCG
REPOSITORY: Final = "virtproof-host"
CLIENT_REPOSITORY: Final = "virtproof-client"
BASE_REPOSITORY: Final = "virtproof-base"
_FOLDERS: Final = ("images", "guests/root")
_EXECUTABLE: Final = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an image is built from. `files` are the build's context by name, the Dockerfile among them."""

    suite: str
    files: Mapping[str, bytes]
    repository: str = REPOSITORY

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of a SHA-256 over the suite and every file with its name."""
        parts = [self.suite.encode(), *(part for name in sorted(self.files) for part in (name.encode(), self.files[name]))]
        return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()[:12]

    @property
    def tag(self) -> str:
        """The image's name: `virtproof-host:trixie-0123456789ab`."""
        return f"{self.repository}:{self.suite}-{self.digest}"

    @property
    def base(self) -> str:
        """The name under which a base of our own making is kept."""
        return f"{BASE_REPOSITORY}:{self.suite}"

    def context(self) -> bytes:
        """The build's context as a tar archive, the same bytes each time."""
        return packed(self.files, _EXECUTABLE)


def shipped_recipe(suite: str = "") -> Recipe:
    """The recipe that ships, for a suite of Debian; for `SUITE` when that is empty."""
    entries = [entry for folder in _FOLDERS for entry in resources.files("virtproof").joinpath(folder).iterdir()]
    return Recipe(suite=suite or SUITE, files={entry.name: entry.read_bytes() for entry in entries if entry.is_file()})


def client_recipe() -> Recipe:
    """The recipe of a client that runs the suite on a host which it shares nothing with."""
    entries = resources.files("virtproof").joinpath("images", "client").iterdir()
    files = {entry.name: entry.read_bytes() for entry in entries if entry.is_file()}
    return Recipe(suite=SUITE, files=files, repository=CLIENT_REPOSITORY)
