"""Benchmarks: what the driver costs beside bare libvirt calls, and what the suite costs."""
