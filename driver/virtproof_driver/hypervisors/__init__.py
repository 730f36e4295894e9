"""Hypervisors as values: one module each, and the index of them."""

from virtproof_driver.hypervisors.known import HYPERVISORS, hypervisor_for
from virtproof_driver.hypervisors.model import Hypervisor

__all__ = ["HYPERVISORS", "Hypervisor", "hypervisor_for"]
