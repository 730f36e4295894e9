"""The single rules that `validation` is made of: each takes a field's name and its value, and raises InvalidSpec or returns.

What belongs here: what a text, a name, a number or an address must be like, with the remedy in the message. What does not: which
field has which rule; that is `validation`. Rules without a citation were measured on libvirt 9.0.0.
"""

import re
from collections import Counter
from collections.abc import Hashable, Sequence

from virtproof_driver.errors import InvalidSpec

LONGEST_FILE = 255  # bytes; of a file name
LONGEST_NAME = LONGEST_FILE - len(".xml.new")  # bytes; libvirt writes each definition to such a file first (11.3.0)
LONGEST_DEVICE = 15  # bytes; the kernel's IFNAMSIZ less its NUL
GREATEST_SIZE = 2**63 - 1  # bytes; libvirt answers 82 (overflow) above it

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_DEVICE = re.compile(r"[A-Za-z0-9_.-]+")


def text(field: str, value: str) -> None:
    """Text that survives libvirt's XML: no character that XML 1.0 lacks, no carriage return (read back as a newline)."""
    found = _NOT_XML.search(value)
    if found is not None:
        raise InvalidSpec(field, f"holds U+{ord(found[0]):04X}, which XML 1.0 cannot carry; remove it")
    if "\r" in value:
        raise InvalidSpec(field, "holds a carriage return, which libvirt turns into a newline; use newlines alone")


def filled(field: str, value: str) -> None:
    """Text, and not empty: libvirt drops an empty element, so empty and absent would be the same."""
    text(field, value)
    if not value:
        raise InvalidSpec(field, "is empty; leave it None or give it a text")


def line(field: str, value: str) -> None:
    """Text of one line. libvirt writes tabs and newlines unescaped into attributes, where they read back as blanks."""
    filled(field, value)
    if "\n" in value or "\t" in value:
        raise InvalidSpec(field, "holds a newline or a tab, which libvirt turns into a blank; remove it")


def name(field: str, value: str, longest: int = LONGEST_NAME) -> None:
    """A name of an object of libvirt: 1 to 247 bytes of UTF-8 on one line, no slash, not `.` or `..`."""
    line(field, value)
    if "/" in value or value in (".", ".."):
        raise InvalidSpec(field, f"{value!r} cannot be part of a path; use another character than '/'")
    size = len(value.encode())
    if size > longest:
        raise InvalidSpec(field, f"is {size} bytes long; shorten it to {longest} bytes of UTF-8 or fewer")


def volume_name(field: str, value: str) -> None:
    """A name of a storage volume, which is that of its file: 1 to 255 bytes."""
    name(field, value, LONGEST_FILE)


def path(field: str, value: str) -> None:
    """An absolute path on the host."""
    line(field, value)
    if not value.startswith("/"):
        raise InvalidSpec(field, f"{value!r} is not an absolute path; begin it with '/'")


def device(field: str, value: str) -> None:
    """The name of a network device on the host: 1 to 15 bytes of letters, digits, `_`, `.` and `-`."""
    pattern(field, value, _DEVICE, "letters, digits, '_', '.' and '-'")
    if len(value) > LONGEST_DEVICE or value in (".", ".."):
        raise InvalidSpec(field, f"{value!r} cannot name a network device; use 1 to {LONGEST_DEVICE} bytes")


def pattern(field: str, value: str, allowed: re.Pattern[str], remedy: str) -> None:
    """The whole value matches `allowed`; `remedy` says what that is."""
    if allowed.fullmatch(value) is None:
        raise InvalidSpec(field, f"{value!r} is not allowed; use {remedy}")


def within(field: str, value: int, least: int, most: int) -> None:
    """A number from `least` to `most`, both included."""
    if not least <= value <= most:
        raise InvalidSpec(field, f"is {value}; use {least} to {most}")


def mac(field: str, value: str) -> None:
    """A unicast hardware address, six pairs of hexadecimal digits with colons between."""
    pattern(field, value, _MAC, "six pairs of hexadecimal digits with ':' between, like 52:54:00:12:34:56")
    if int(value[:2], 16) & 1:
        raise InvalidSpec(field, f"{value!r} is a multicast address; make the first pair even")


def unique(field: str, values: Sequence[Hashable]) -> None:
    """No value twice."""
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise InvalidSpec(field, f"{twice[0]!r} is given more than once; give each its own")
