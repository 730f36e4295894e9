"""What one hypervisor is to the driver: a value, so that the rest of the driver asks it and never branches on a name.

What belongs here: the fields, and what each means. What does not: any hypervisor's facts; those are in the module
named after it (`test.py`, `qemu.py`…).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import DomainEventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypervisor:
    """A hypervisor driver of libvirt, as measured.

    `connection_type` is what virConnectGetType returns; `domain_type` and `os_type` go into the domain XML.
    `unsupported` gives the reason of each capability that the driver does not claim there.
    `event_ids` are those that the hypervisor's driver really emits (registration is no proof: the test driver accepts all).
    `reboot_emits` says whether virDomainReboot is followed by a REBOOT event that an operation can wait for.
    `bulk_state` says whether virConnectGetAllDomainStats gives the state of all domains in one call.
    `undefine_flags` are those that virDomainUndefineFlags accepts.
    `remote_only` are capabilities that need a daemon between client and driver (keepalive, reconnect).
    """

    connection_type: str
    domain_type: str
    os_type: str
    unsupported: Mapping[Capability, str]
    event_ids: frozenset[DomainEventId]
    reboot_emits: bool
    bulk_state: bool
    undefine_flags: int
    remote_only: Mapping[Capability, str]

    def refusals(self, *, remote: bool) -> Mapping[Capability, str]:
        """The reason for each capability that is not claimed on such a connection."""
        return dict(self.unsupported) if remote else {**self.remote_only, **self.unsupported}
