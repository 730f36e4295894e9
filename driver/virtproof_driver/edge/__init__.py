"""The edge: the only place in the driver with libvirt, threads and clocks."""

from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.edge.opening import Target
from virtproof_driver.edge.session import Session

__all__ = ["Session", "Target", "libvirt_binding"]
