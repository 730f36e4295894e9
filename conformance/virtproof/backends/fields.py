"""What the single fields of a backend's TOML may hold: one converter a field, each raising ValueError with the remedy.

What belongs here: converters from a TOML value to a checked one. What does not: keys and tables (`reading`).
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final, cast

from virtproof.backends.predicates import parse

# As libvirt's page on connection URIs has it: driver[+transport]://[user@][host][:port]/[path][?parameters].
_URI: Final = re.compile(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?://[^\s/?#]*(/[^\s?#]*)?(\?\S*)?")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_CASE: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+(\[[^\]]+\])?")
TRANSPORTS: Final = ("in-process", "unix", "tcp", "tls", "ssh", "libssh", "tcp-sasl", "tls-sasl")


def as_words(value: object) -> str:
    """A string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a text; write one in quotes")
    return value.strip()


def as_sentence(value: object) -> str:
    """A reason: words that a reader of the report understands."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no reason; say why in a few words, they stand in every report")
    return value.strip()


def as_name(value: object) -> str:
    """A backend's name."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise ValueError("not a name; write lower-case letters, digits and hyphens")
    return value


def as_uri(value: object) -> str:
    """A libvirt URI."""
    if not isinstance(value, str) or _URI.fullmatch(value) is None:
        raise ValueError(f"{value!r} is no libvirt URI; write one such as 'qemu:///system' or 'qemu+ssh://host/system'")
    return value


def as_predicate(value: object) -> str:
    """A version predicate that parses."""
    text = as_words(value)
    parse(text)
    return text


def as_case(value: object) -> str:
    """The id of a case, with its parameter in brackets if it has one."""
    if not isinstance(value, str) or _CASE.fullmatch(value) is None:
        raise ValueError(f"{value!r} is no id of a case; write one such as 'events.stop.order'")
    return value


def as_transports(value: object) -> tuple[str, ...]:
    """The transports of a provisioned backend, the default first."""
    listed = cast("list[object]", value) if isinstance(value, list) else []
    if not listed or len(set(map(repr, listed))) != len(listed):
        raise ValueError('not a list of different transports; write one such as ["unix", "tcp"]')
    return tuple(one_of(TRANSPORTS)(entry) for entry in listed)


def one_of(known: Iterable[str]) -> Callable[[object], str]:
    """A converter for a word of a fixed set."""
    names = tuple(known)

    def convert(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        near = get_close_matches(str(value), names, n=1)
        raise ValueError(f"unknown {value!r}; " + (f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(names)}"))

    return convert
