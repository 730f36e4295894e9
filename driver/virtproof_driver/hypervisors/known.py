"""Which hypervisors the driver knows, by what virConnectGetType calls them.

What belongs here: the index and the look-up. What does not: facts; each hypervisor's module has its own.
"""

from collections.abc import Mapping
from types import MappingProxyType

from virtproof_driver.errors import UnknownHypervisor
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.hypervisors.test import TEST

HYPERVISORS: Mapping[str, Hypervisor] = MappingProxyType({each.connection_type: each for each in (TEST, QEMU, LXC)})


def hypervisor_for(connection_type: str) -> Hypervisor:
    """The facts of a hypervisor by what virConnectGetType returned. Raises UnknownHypervisor."""
    try:
        return HYPERVISORS[connection_type]
    except KeyError:
        raise UnknownHypervisor(connection_type, known=tuple(sorted(HYPERVISORS))) from None
