"""Sizes in libvirt's XML: a number and a unit.

What belongs here: libvirt's unit names as a table, and reading an element that has one. What does not: rounding, which is
the reader's decision. Names and their meaning: https://libvirt.org/formatdomain.html#memory-allocation.
"""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

MIB = 1024 * 1024
LETTERS = ("k", "m", "g", "t", "p", "e")
UNITS: Mapping[str, int] = {
    "b": 1,
    "byte": 1,
    "bytes": 1,
    **{letter: 1024**power for power, letter in enumerate(LETTERS, 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate(LETTERS, 1)},
    **{f"{letter}b": 1000**power for power, letter in enumerate(LETTERS, 1)},
}


def memory_in_mib(element: Element | None) -> int:
    """A memory size in whole MiB, rounded down; libvirt counts memory in KiB where no unit is named."""
    return size_in_bytes(element, default_unit="KiB") // MIB


def size_in_bytes(element: Element | None, *, default_unit: str = "bytes") -> int:
    """The size that an element holds, in bytes; 0 when there is no element. Raises KeyError for a unit libvirt has not."""
    if element is None:
        return 0
    return int(element.text or "0") * UNITS[element.get("unit", default_unit).lower()]
