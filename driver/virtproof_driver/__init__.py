"""The reference libvirt compute driver."""

from virtproof_driver.capabilities import Capability

__all__ = ["Capability"]
