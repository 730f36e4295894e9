"""Every probe by its capability.

What belongs here: putting the areas' tables together. What does not: probes.
"""

from collections.abc import Mapping
from types import MappingProxyType

from virtproof.probes import (
    connection,
    consoles,
    containers,
    devices,
    guest,
    host,
    lifecycle,
    machines,
    migration,
    secrets,
    storage,
)
from virtproof.probes.model import Probe
from virtproof_driver import Capability

PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        **host.PROBES,
        **lifecycle.PROBES,
        **machines.PROBES,
        **devices.PROBES,
        **guest.PROBES,
        **consoles.PROBES,
        **containers.PROBES,
        **storage.PROBES,
        **secrets.PROBES,
        **migration.PROBES,
        **connection.PROBES,
    }
)
