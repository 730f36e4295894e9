"""Lanes in containers: real hypervisors, QEMU and LXC, each in a host of its own."""
