"""What one hypervisor is to the driver: a value, so that the rest of the driver asks it and never branches on a name.

What belongs here: the fields, and what each means. What does not: any hypervisor's facts; those are in the module
named after it (`test.py`, `qemu.py`…).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from virtproof_driver.capabilities import Capability
from virtproof_driver.checks import LONGEST_NAME
from virtproof_driver.constants import DomainEventId

NEWEST = 999_999_999
"""A release that is not known yet."""
REMOTE_ONLY: Mapping[Capability, str] = MappingProxyType(
    {
        Capability.CONNECTION_KEEPALIVE: "an in-process libvirt driver has no peer to keep alive (setKeepAlive gives 3)",
        Capability.CONNECTION_RECONNECT: "an in-process libvirt driver cannot be lost while the process lives",
        Capability.EVENTS_HOST: "an in-process libvirt driver cannot be lost while the process lives",
        Capability.CONNECTION_TLS: "an in-process libvirt driver has no transport",
        Capability.CONNECTION_SSH: "an in-process libvirt driver has no transport",
    }
)
"""What needs a daemon between client and hypervisor, whichever that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A capability that libvirt's driver has from a release on, and why older ones lack it.

    `libvirt` is as virConnectGetLibVersion counts: major * 1,000,000 + minor * 1,000 + release.
    """

    capability: Capability
    libvirt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypervisor:
    """A hypervisor driver of libvirt, as measured.

    `connection_type` is what virConnectGetType returns. `domain_types` are those that go into the domain XML, the best first: the
    host's capabilities decide (`on`), because a device such as /dev/kvm may be there and unfit. `os_type` is the one of `<os>`.
    `unsupported` gives the reason of each capability that the driver does not claim there.
    `event_ids` are those that the hypervisor's driver really emits (registration is no proof: the test driver accepts all).
    `reboot_emits` says whether virDomainReboot is followed by a REBOOT event that an operation can wait for.
    `bulk_state` says whether virConnectGetAllDomainStats gives the state of all domains in one call, `bulk_since` from which
    release of libvirt on.
    `undefine_flags` are those that virDomainUndefineFlags accepts, so that nothing of the instance stays.
    `shutdown_flags` and `reboot_flags` are those by which a guest is really asked.
    `features` are the elements of `<features>` that every instance gets; `console_element` is the device that is its console, and
    `needs_console` says that nothing starts without one, so that an instance whose spec names none gets one all the same.
    `console_exclusive` says whether a console has one reader at a time, which another can take over by force.
    `since` are capabilities that the hypervisor's driver has from a release of libvirt on (`at`), with the reason for older ones.
    `device_events` says whether DEVICE_ADDED and DEVICE_REMOVED tell the end of attaching and detaching. `settles` says that a
    domain may refuse changes of its devices, and to ask its guest, for a moment after its start, though it runs.
    `adds_usb` says whether libvirt gives each machine a USB controller that does not refuse it.
    `sets_vcpus` says whether virDomainSetVcpusFlags is there; where it is not, a resize defines the domain anew.
    `waits_for_agents` says that libvirt waits for ever for an answer of a guest agent, unless it is told how long.
    `thaws_together` says that frozen file systems are thawed all at once.
    `longest_name` is how many bytes the name of a domain that starts can have.
    `notices_readers_late` says that it drops what a guest writes to its console for up to a second after that was opened,
    `notices_readers_since` from which release of its own on it does not.
    `start_races` are words of the refusals of a start that another start was in the way of, and that is made again.
    `tells_paused_revert` says whether an event tells a revert from paused to paused, `paused_revert_since` from which release on.
    """

    connection_type: str
    domain_types: tuple[str, ...]
    os_type: str
    unsupported: Mapping[Capability, str]
    event_ids: frozenset[DomainEventId]
    reboot_emits: bool
    bulk_state: bool
    undefine_flags: int
    shutdown_flags: int
    reboot_flags: int
    features: tuple[str, ...]
    console_element: str
    needs_console: bool
    console_exclusive: bool
    device_events: bool
    settles: bool = False
    adds_usb: bool = False
    sets_vcpus: bool = True
    waits_for_agents: bool = False
    thaws_together: bool = False
    longest_name: int = LONGEST_NAME
    notices_readers_late: bool = False
    start_races: tuple[str, ...] = ()
    tells_paused_revert: bool = True
    bulk_since: int = 0
    paused_revert_since: int = 0
    notices_readers_since: int = 0
    since: tuple[Since, ...] = ()

    @property
    def domain_type(self) -> str:
        """The type of the domain XML."""
        return self.domain_types[0]

    def on(self, offered: Collection[str]) -> "Hypervisor":
        """As it is on a host that offers these domain types; unchanged where the host tells none that is known."""
        usable = tuple(kind for kind in self.domain_types if kind in offered)
        return replace(self, domain_types=usable) if usable else self

    def at(self, libvirt: int, own: int = NEWEST) -> "Hypervisor":
        """As it is on a host with this release of libvirt, and of its own, by their numbers."""
        lacking = {each.capability: each.reason for each in self.since if libvirt < each.libvirt}
        found = replace(
            self,
            unsupported={**self.unsupported, **lacking} if lacking else self.unsupported,
            bulk_state=self.bulk_state and libvirt >= self.bulk_since,
            tells_paused_revert=self.tells_paused_revert and libvirt >= self.paused_revert_since,
            notices_readers_late=self.notices_readers_late or own < self.notices_readers_since,
        )
        return self if found == self else found

    @property
    def varies(self) -> bool:
        """Whether it is another one at some release."""
        return bool(self.since or self.bulk_since or self.paused_revert_since or self.notices_readers_since)

    def refusals(self, *, remote: bool) -> Mapping[Capability, str]:
        """The reason for each capability that is not claimed on such a connection."""
        return dict(self.unsupported) if remote else {**REMOTE_ONLY, **self.unsupported}
