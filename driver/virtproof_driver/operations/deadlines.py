"""How long each operation waits for its event, in seconds.

What belongs here: one number an operation, and why it is that long. What does not: keepalive and reconnection, whose times are
the edge's, and stop's patience with the guest, which the caller gives. A deadline is no estimate: every wait ends by its event,
and only a host that lost the event, or does nothing, is waited for this long.
"""

from typing import Final

START: Final = 60.0  # a hypervisor prepares memory, disks and networks before the guest's first instruction
PAUSE: Final = 30.0
UNPAUSE: Final = 30.0
FORCE_OFF: Final = 60.0  # libvirt gives QEMU 15 s after SIGTERM before SIGKILL, and the kernel may need time to free memory
UNDEFINE: Final = 10.0
SUSPEND: Final = 900.0  # all of the guest's memory is written to the host's disk
RESTORE: Final = 900.0  # and read from there
REBOOT: Final = 120.0  # the guest shuts its services down first
FAULT: Final = 2.0  # a guest let run on with a full disk tries its write again and is paused within milliseconds (11.3.0)
REVERT: Final = 60.0
RELEASE: Final = 5.0  # the guest's answer to an unplug; libvirt waits 5.0 s in the call itself before this begins (11.3.0)
ON_ITS_WAY: Final = 1.0  # the event of a change that another thread or client made; it takes milliseconds (libvirt 9.0.0)
AGENT: Final = 5  # the agent's answer; whole seconds, and as long as libvirt itself waits before it asks (11.3.0)
FREEZE: Final = 30  # the same, for an agent that writes all that is cached to the guest's disks first
COMMIT: Final = 3600.0  # all that was written since a snapshot is copied on the host
PIVOT: Final = 60.0  # what is left to copy is what the guest wrote meanwhile
DEPARTURE: Final = 60.0  # a daemon gives an arrival up when its source has been silent for half as long (11.3.0)
GIVEN_UP: Final = 5.0  # a destination that hears that a migration has failed ends the arrival in 0.2 s (11.3.0)
BACKUP: Final = 3600.0  # all of a disk is copied on the host
