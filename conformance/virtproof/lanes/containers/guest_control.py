"""Power over guests past libvirt, and a look at their host's files: by commands in the lane's container.

What belongs here: the commands. What does not: how they get there (`container`, `inside`).
"""

import signal
from base64 import b64encode
from typing import Final
from urllib.parse import urlsplit

from virtproof.errors import SuiteError
from virtproof.lanes.containers.inside import Inside
from virtproof.lanes.model import Space

_WRITE: Final = 'printf %s "$1" | base64 --decode | dd of="$2" bs=1 seek="$3" conv=notrunc status=none'
_KILL: Final = 'pid=$(cat "$1") && kill "-$2" "$pid"'
_END: Final = f'{_KILL} && exec timeout 10 tail --pid="$pid" -s 0.01 -f /dev/null'
_SMALL: Final = "/var/lib/virtproof"


class ContainerGuests:
    """GuestControl by a way into the container. `driver` is what libvirt's folders for the hypervisor of `uri` are called."""

    def __init__(self, host: Inside, uri: str, worker: str) -> None:
        self._host = host
        self.driver = urlsplit(uri).scheme
        self._worker = worker

    def kill(self, name: str, number: signal.Signals) -> None:
        """By the pid file that libvirt keeps; for LXC it is that of the container's controller."""
        self._host.do("sh", "-c", _KILL, "sh", self._pid_file(name), str(number.value))

    def end(self, name: str, number: signal.Signals) -> None:
        self._host.do("sh", "-c", _END, "sh", self._pid_file(name), str(number.value))

    def read(self, path: str) -> bytes:
        return self._host.ask("cat", "--", path)

    def write(self, path: str, data: bytes, offset: int = 0) -> None:
        self._host.do("sh", "-c", _WRITE, "sh", b64encode(data).decode(), path, str(offset))

    def exists(self, path: str) -> bool:
        try:
            self._host.do("test", "-e", path)
        except SuiteError:
            return False
        return True

    def space(self, path: str) -> Space:
        size, free, block = map(int, self._host.ask("stat", "--file-system", "--format=%b %a %S", "--", path).split())
        return Space(size=size * block, free=free * block)

    def _pid_file(self, name: str) -> str:
        return f"/run/libvirt/{self.driver}/{name}.pid"

    @property
    def small_folder(self) -> str:
        """Made at the first call, a file system of 16 MiB for each worker."""
        path = f"{_SMALL}/small-{self._worker}"
        if not self.exists(path):
            self._host.do("mkdir", "--parents", path)
            self._host.do("mount", "--types", "tmpfs", "--options", "size=16m,mode=755", "virtproof-small", path)
        return path
