"""What a lane's container may do beyond an ordinary one: the least with which QEMU, LXC, networks and nwfilters work.

What belongs here: the options, each with its reason; they were found by leaving out one at a time and running a guest, a TPM,
networks, filters and containers on libvirt 11.3.0. What does not: running a container (`container`). `--privileged` would be
more than this by far, and is refused where this process itself lacks a capability.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

CAPABILITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CHOWN": "a TPM's state and log are given to swtpm's user",
        "DAC_OVERRIDE": "libvirtd works in folders of swtpm's and dnsmasq's users",
        "FOWNER": "as CHOWN, for the folders' modes",
        "KILL": "libvirtd ends dnsmasq and swtpm, which run as users of their own",
        "MKNOD": "nodes of loop devices, and those of each container's /dev",
        "NET_ADMIN": "bridges, taps, veths, addresses and filter rules, in the container's own network namespace",
        "NET_BIND_SERVICE": "dnsmasq serves DNS and DHCP on ports under 1024",
        "NET_RAW": "dnsmasq looks whether an address is in use, and filters learn addresses from packets",
        "SETGID": "dnsmasq, swtpm and QEMU's sandbox change their group",
        "SETPCAP": "libvirt drops capabilities from every program that it starts, and fails where it may not",
        "SETUID": "as SETGID, for the user",
        "SYS_ADMIN": "LXC mounts and unshares, and this container's cgroups are made writable",
        "SYS_BOOT": "reboot(2) inside an LXC container; it ends that PID namespace only, see pid_namespaces(7)",
        "SYS_CHROOT": "sshd answers who is not known yet from an empty folder",
        "SYS_PTRACE": "QEMU answers its guest's page faults in a post-copy migration by userfaultfd(2), which asks for this",
    }
)

DEVICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/dev/fuse": "LXC shows each container a /proc/meminfo of its own by FUSE",
        "/dev/net/tun": "taps of QEMU's network interfaces",
        "/dev/loop-control": "an image as an LXC container's file system",
    }
)

# The nodes of loop devices are made inside; b 7:* is their major number in the kernel's devices.txt.
DEVICE_RULES: Final = ("b 7:* rwm",)

KVM: Final = "/dev/kvm"

SECURITY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "seccomp=unconfined": "LXC calls pivot_root, which the engine's filter refuses whatever the capabilities",
        "apparmor=unconfined": "the engine's profile refuses mount, where the host has AppArmor",
    }
)

# QEMU detaches: with nobody to reap zombies as process 1, a create takes 42 s and a destroy 80 s (measured on libvirt 9.0.0).
INIT: Final = True
# A private cgroup namespace: the groups of LXC containers lie under the container's own and go with it.
CGROUP_NAMESPACE: Final = "private"
# libvirt closes every possible descriptor in each child; with the engine's million that takes most of a second.
DESCRIPTORS: Final = 4096

SOCKETS: Final = "/run/virtproof"  # as libvirtd.conf has it
SOCKET: Final = "libvirt-sock"
PORTS: Final[Mapping[str, int]] = MappingProxyType({"tcp": 16509, "tls": 16514, "ssh": 22})  # libvirt's own, and sshd's
DAEMON_LOG: Final = "/var/log/libvirt/libvirtd.log"  # as libvirtd.conf has it
LOOPBACK: Final = "127.0.0.1"
LOOPBACK_NAME: Final = "localhost"
SHARED: Final = "/var/lib/virtproof/shared"  # where the two hosts of a pair have the same storage


def devices(*, kvm: bool) -> tuple[str, ...]:
    """The host's devices that go in; KVM's where the host has it and it is wanted."""
    return (*DEVICES, KVM) if kvm and Path(KVM).exists() else tuple(DEVICES)
