"""The smallest instance that a hypervisor can run, by what virConnectGetType calls it.

What belongs here: the specs. What does not: names (a worker's prefix is in them) and what cases change in a spec.
"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

from virtproof.lanes.model import Furniture
from virtproof_driver.spec import Disk, FileSource, InstanceSpec, Interface

_NAMESPACE: Final = UUID("2b4f3c4e-7d5b-5a53-9c0e-6b1f0e5a4a21")


def smallest(connection_type: str, name: str, index: int, furniture: Furniture | None = None) -> InstanceSpec:
    """The smallest instance there; name and index make its UUID and hardware addresses, the same each time.

    `furniture` is what the host has for guests, None where nobody put anything there.
    """
    del furniture  # no hypervisor's smallest instance has an image yet
    return _SMALLEST.get(connection_type, _processor_only)(name, index)


def _processor_only(name: str, index: int) -> InstanceSpec:
    return InstanceSpec(uuid=uuid5(_NAMESPACE, f"{name}/{index}"), name=name, vcpus=1, memory_mib=32)


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


_SMALLEST: Mapping[str, Callable[[str, int], InstanceSpec]] = MappingProxyType({"TEST": _with_devices})
