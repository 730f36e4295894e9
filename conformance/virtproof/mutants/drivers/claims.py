"""Wrong drivers that claim something else than what they can.

What belongs here: mistakes in `capabilities`, and refusals that contradict them.
"""

from virtproof.mutants.drivers.base import factory
from virtproof_driver import Capability, LibvirtDriver
from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import NotSupported
from virtproof_driver.values import Instance


class _ClaimsTooMuch(LibvirtDriver):
    """Claims a managed save, and refuses it."""

    def suspend(self, uuid: InstanceId) -> Instance:
        raise NotSupported(Capability.SUSPEND, "never mind what the capabilities say")


class _ClaimsTooLittle(LibvirtDriver):
    """Does not claim a pause that it has."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities - {Capability.PAUSE}


claims_too_much = factory(_ClaimsTooMuch)
claims_too_little = factory(_ClaimsTooLittle)
