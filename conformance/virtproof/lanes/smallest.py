"""The smallest instance that a hypervisor can run, by what virConnectGetType calls it, and the same with another guest in it.

What belongs here: the specs. What does not: names (a worker's prefix is in them) and what cases change in a spec.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

from virtproof.errors import SuiteError
from virtproof.guests.catalogue import CONTAINER_GUESTS, GUESTS, OBEDIENT, Guest
from virtproof.guests.roots import INIT, ROOT_FOLDER
from virtproof.lanes.model import Furniture
from virtproof_driver.spec import (
    Console,
    DirectorySource,
    Disk,
    FileSource,
    Filesystem,
    Init,
    InstanceSpec,
    Interface,
    NewVolume,
    VolumeSource,
)

FILLED_BYTES: Final = 64 << 20  # the disk of a guest that writes: more than any small storage of a case has
_NAMESPACE: Final = UUID("2b4f3c4e-7d5b-5a53-9c0e-6b1f0e5a4a21")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """An instance to describe: its name, what makes its addresses, what its host has for it, and its guest."""

    name: str
    index: int
    furniture: Furniture
    guest: str

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """One on the host's network; measured on libvirt 11.3.0 it makes a start 0.02 to 0.04 s longer."""
        return (Interface(mac=_mac(self.name, self.index), network=self.furniture.network),)


def smallest(
    connection_type: str, name: str, index: int, furniture: Furniture | None = None, guest: str | None = None
) -> InstanceSpec:
    """The smallest instance there; name and index make its UUID and hardware addresses, the same each time.

    `furniture` is what the host has for guests, None where nobody put anything there. `guest` names another guest than the one
    that obeys. Raises SuiteError for one that does not run there.
    """
    if furniture is not None and connection_type in _WITH_GUEST:
        return _WITH_GUEST[connection_type](_Wanted(name=name, index=index, furniture=furniture, guest=guest or OBEDIENT.name))
    if guest is not None:
        raise SuiteError(f"this lane ({connection_type}) runs no guest {guest!r}; the case must need guests.run")
    return _SMALLEST.get(connection_type, _processor_only)(name, index)


def _processor_only(name: str, index: int) -> InstanceSpec:
    return InstanceSpec(uuid=uuid5(_NAMESPACE, f"{name}/{index}"), name=name, vcpus=1, memory_mib=32)


def _machine(wanted: _Wanted) -> InstanceSpec:
    """A machine that boots the guest's image. All that only read it share it: QEMU's lock lets readers in together."""
    guest = GUESTS.get(wanted.guest)
    if guest is None:
        raise SuiteError(f"there is no guest {wanted.guest!r} for machines; there are {', '.join(GUESTS)}")
    return replace(
        _processor_only(wanted.name, wanted.index),
        memory_mib=16,
        disks=(_boot_disk(guest, wanted),),
        interfaces=wanted.interfaces,
        consoles=(Console(),),
        machine=guest.machine,
        agent=guest.answers,
        panic_device=guest.panics,
    )


def _boot_disk(guest: Guest, wanted: _Wanted) -> Disk:
    if not guest.writes:
        return Disk(target="vda", source=VolumeSource(pool=wanted.furniture.pool, volume=guest.volume), read_only=True)
    own = NewVolume(pool=wanted.furniture.pool, volume=f"{wanted.name}.img", capacity_bytes=FILLED_BYTES, clone_of=guest.volume)
    return Disk(target="vda", source=own)


def _container(wanted: _Wanted) -> InstanceSpec:
    """A container on the folder with busybox, which all containers share: its first program's argument says what runs in it."""
    if wanted.guest not in CONTAINER_GUESTS:
        raise SuiteError(f"there is no guest {wanted.guest!r} for containers; there are {', '.join(sorted(CONTAINER_GUESTS))}")
    return replace(
        _processor_only(wanted.name, wanted.index),
        filesystems=(Filesystem(source=DirectorySource(path=ROOT_FOLDER)),),
        init=Init(path=INIT, arguments=(wanted.guest,)),
        interfaces=tuple(replace(interface, model=None) for interface in wanted.interfaces),
        consoles=(Console(),),
    )


def _with_devices(name: str, index: int) -> InstanceSpec:
    """For the test driver, which opens no image, so that the path need not exist; it counts for disks and interfaces alike."""
    uuid = uuid5(_NAMESPACE, f"{name}/{index}")
    return InstanceSpec(
        uuid=uuid,
        name=name,
        vcpus=1,
        memory_mib=8,
        disks=(Disk(target="vda", source=FileSource(path=f"/virtproof/{uuid}.img")),),
        interfaces=(Interface(mac=_mac(name, index), network="default"),),
    )


def _mac(name: str, index: int) -> str:
    """An address under 52:54:00, the prefix that QEMU and libvirt use."""
    digest = hashlib.sha256(f"{name}/{index}".encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


_WITH_GUEST: Mapping[str, Callable[[_Wanted], InstanceSpec]] = MappingProxyType({"QEMU": _machine, "LXC": _container})
_SMALLEST: Mapping[str, Callable[[str, int], InstanceSpec]] = MappingProxyType({"TEST": _with_devices})
