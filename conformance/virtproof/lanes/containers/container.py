"""One running container of a lane: started, ready, asked to do things inside, and removed.

What belongs here: the life of one container and commands in it. What does not: which options it has (`options`), whose it is
(`labels`), what libvirt does in it (`lane`). Commands go by the engine, past libvirt, so that they work while the daemon does
not.
"""

import importlib
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from virtproof.errors import LaneUnavailable, SuiteError
from virtproof.lanes.containers import options
from virtproof.lanes.containers.archives import packed
from virtproof.lanes.containers.doors import FOLDER
from virtproof.lanes.containers.ending import end
from virtproof.lanes.containers.engine import Container, connected, engine_error, without_foreign_reaper
from virtproof.lanes.containers.labels import labels_of
from virtproof.lanes.model import LOG_BYTES

READY: Final = b"virtproof: ready"
_LAST: Final = 3
_TRIES: Final = 5
_END: Final = b"\0"
_ENDED: Final = """"$@" && printf '\\0'"""
_SECRET: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a container is started from: the image, whose it is, and the folder of this machine that its sockets go to.

    `files` go into `FOLDER`, by name, before its daemon starts. Without a folder it shares nothing with this machine: it has a
    name on a network of the engine's instead, and no port is published. `volume` is the engine's volume that it shares with
    another one, empty where it shares none.
    """

    image: str
    run: str
    owner: dict[str, object]
    folder: Path | None
    files: Mapping[str, bytes] = field(repr=False)
    kvm: bool
    network: str = ""
    name: str = ""
    volume: str = ""


class Host:
    """A running container. `ports` are those of the loopback that lead to its doors; `kvm` says whether KVM runs guests in it."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.id = container.id

    @property
    def ports(self) -> Mapping[str, int]:
        """By door, as `options.PORTS` has them. Raises SuiteError when the engine does not publish one."""
        self._container.reload()
        published = {door: self._container.ports.get(f"{port}/tcp") or [] for door, port in options.PORTS.items()}
        missing = [door for door, bound in published.items() if not bound]
        if missing:
            raise SuiteError(f"container {self.id[:12]} publishes no port for {missing[0]}")
        return {door: int(bound[0]["HostPort"]) for door, bound in published.items()}

    @property
    def kvm(self) -> bool:
        """Whether it kept /dev/kvm, which it hides where KVM runs no guest."""
        return self._container.exec_run(["test", "-e", options.KVM])[0] == 0

    def do(self, *command: str) -> None:
        """Run a command inside. Raises SuiteError, with what it printed, when it fails."""
        code, output = self._container.exec_run(list(command))
        if code:
            raise _failed(command, code, output)

    def ask(self, *command: str) -> bytes:
        """What a command inside that changes nothing prints. Raises SuiteError, with that, when it fails."""
        code, output = self._asked(command)
        if code:
            raise _failed(command, code, output)
        return output

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files into a folder inside that is there, for root's eyes only; past every command line."""
        self._container.put_archive(folder, packed(files, _SECRET))

    def tails(self, paths: Mapping[str, str]) -> Mapping[str, bytes]:
        """The last bytes of files inside, by the names that they are asked under; those that are not there are left out."""
        tail = ("tail", "-c", str(LOG_BYTES), "--")
        with suppress(engine_error()):  # the container is gone, and its files with it
            found = {name: self._asked((*tail, path)) for name, path in paths.items()}
            return {name: output for name, (code, output) in found.items() if code == 0}
        return {}

    def _asked(self, command: Sequence[str]) -> tuple[int, bytes]:
        """A command's code and output, asked again while the engine loses the output of one that succeeds.

        2 of 600 came back empty on a busy machine (Docker 20.10.24), so that each ends with a byte that has to arrive.
        """
        for _ in range(_TRIES):
            code, output = self._container.exec_run(["sh", "-c", _ENDED, "sh", *command])
            if code or output.endswith(_END):
                return code, output.removesuffix(_END)
        raise SuiteError(f"the engine lost what {' '.join(command)} printed in container {self.id[:12]}, {_TRIES} times")

    def remove(self) -> None:
        """Kill and remove it, with all that runs in it; one that is gone is no error."""
        try:
            end(self._container)
        except engine_error():
            return


def start(order: Order) -> Host:
    """Start a container and return once its daemon answers. Raises LaneUnavailable with what it said."""
    without_foreign_reaper()
    module: Any = importlib.import_module("testcontainers.core.container")
    made = module.DockerContainer(order.image)
    if order.folder is not None:
        made.with_volume_mapping(str(order.folder), options.SOCKETS, "rw")
        made.ports.update({f"{port}/tcp": (options.LOOPBACK,) for port in options.PORTS.values()})
    if order.volume:
        made.with_volume_mapping(order.volume, options.SHARED, "rw")
    if order.name:
        made.with_name(order.name)
    made.with_kwargs(**_arguments(order))
    try:
        made.start()
    except engine_error() as error:
        made.stop()
        raise LaneUnavailable(f"the engine starts no container of {order.image}: {' '.join(str(error).split())}") from error
    host = Host(cast("Container", made.get_wrapped_container()))
    try:
        _await_ready(host, cast("Container", made.get_wrapped_container()))
        host.put(FOLDER, order.files)
        host.do("entry", "open")
    except BaseException:
        host.remove()
        raise
    return host


def attached(container: str) -> Host:
    """A container that another process started. Raises LaneUnavailable when it is gone."""
    try:
        return Host(connected().containers.get(container))
    except engine_error() as error:
        raise LaneUnavailable(f"the lane's container {container[:12]} is gone ({error}); run again") from error


def _arguments(order: Order) -> dict[str, object]:
    types: Any = importlib.import_module("docker.types")
    return {
        "labels": labels_of(order.run, platform.node(), order.owner),
        "init": options.INIT,
        "cap_drop": ["ALL"],
        "cap_add": list(options.CAPABILITIES),
        "devices": list(options.devices(kvm=order.kvm)),
        "device_cgroup_rules": list(options.DEVICE_RULES),
        "security_opt": list(options.SECURITY),
        "cgroupns": options.CGROUP_NAMESPACE,
        **({"network": order.network} if order.network else {}),
        "ulimits": [types.Ulimit(name="nofile", soft=options.DESCRIPTORS, hard=options.DESCRIPTORS)],
    }


def _await_ready(host: Host, container: Container) -> None:
    """Follow what the container prints until it says that it is ready; it ends, and so does this, when it cannot be."""
    said: list[bytes] = []
    for piece in container.logs(stream=True, follow=True):
        said.append(piece)
        if READY in b"".join(said):
            return
    raise LaneUnavailable(f"the lane's container {host.id[:12]} ended: {_tail(b''.join(said))}")


def _failed(command: Sequence[str], code: int, output: bytes) -> SuiteError:
    return SuiteError(f"{' '.join(command)} in the lane's container ended with {code}: {_tail(output)}")


def _tail(output: bytes) -> str:
    lines = output.decode(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-_LAST:]) or "it said nothing"
