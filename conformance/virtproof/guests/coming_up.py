"""Waiting until a guest is up, so that it obeys: what its host sees of it is that it reads its disk.

What belongs here: the look past every driver, and its deadline. What does not: what guests do when they are up (`catalogue`), and
how a container tells (`first_line`). A guest that comes up causes no event, so that this is a bounded look again and again: a
program that is not up yet hears no power button, and QEMU keeps none for it. A domain without a disk, or on a host that counts no
bytes, has nothing to wait for.
"""

import time
from threading import Event
from typing import Final
from xml.etree.ElementTree import fromstring

from virtproof.guests.catalogue import UP_BYTES
from virtproof.guests.first_line import await_line
from virtproof.lanes.bare import bare_binding
from virtproof_driver.binding import Domain

_BETWEEN: Final = 0.01  # seconds; one look takes a thousandth


def await_up(domain: Domain, *, boots: int = 1, timeout: float = 10) -> None:
    """Return once the guest has come up `boots` times since its domain was started; a reset boots it again.

    Raises AssertionError when `timeout` seconds pass first.
    """
    root = fromstring(domain.XMLDesc(0))
    disk = root.find("devices/disk/target")
    if root.find("os/init") is not None:
        await_line(domain, boots=boots, timeout=timeout)
    if disk is None:
        return
    deadline = time.monotonic() + timeout
    while (read := _bytes_read(domain, disk.get("dev", ""))) < boots * UP_BYTES:
        if time.monotonic() > deadline:
            raise AssertionError(
                f"the guest of {domain.name()} did not come up {boots} times within {timeout:g} s: it read {read} B"
            )
        Event().wait(_BETWEEN)


def _bytes_read(domain: Domain, target: str) -> float:
    try:
        return domain.blockStats(target)[1]
    except bare_binding().libvirtError:
        return float("inf")
