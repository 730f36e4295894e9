"""Wrong drivers that claim something else than what they can.

What belongs here: mistakes in `capabilities`.
"""

from virtproof.mutants.drivers.base import factory
from virtproof_driver import Capability, LibvirtDriver


class _ClaimsTooMuch(LibvirtDriver):
    """Claims a console that it does not have."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities | {Capability.CONSOLE_OUTPUT}


class _ClaimsTooLittle(LibvirtDriver):
    """Does not claim a pause that it has."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities - {Capability.PAUSE}


claims_too_much = factory(_ClaimsTooMuch)
claims_too_little = factory(_ClaimsTooLittle)
