"""Each of our numbers is libvirt's: every member of every enum against the real module."""

from enum import IntEnum, IntFlag, StrEnum

import pytest

from virtproof_driver import constants, migration_constants
from virtproof_driver.binding import Binding

Ours = type[IntEnum] | type[IntFlag] | type[StrEnum]

PREFIXES: dict[Ours, str] = {
    value: (value.__doc__ or "").split(":")[0].rstrip(".")
    for module in (constants, migration_constants)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, IntEnum | IntFlag | StrEnum) and value.__module__ == module.__name__
}
# What libvirt 11.3.0 has, and the module of 9.0.0 has not.
NEWER: dict[str | None, int] = {"AGENT_COMMAND_TIMEOUT": 112, "AGENT_COMMAND_FAILED": 113}


def test_every_enum_names_its_prefix() -> None:
    assert PREFIXES
    assert all(prefix.startswith("VIR_") and prefix.endswith("_") for prefix in PREFIXES.values())


@pytest.mark.parametrize("enum", PREFIXES, ids=lambda enum: enum.__name__)
def test_members_are_libvirts_numbers_and_words(enum: Ours, binding: Binding) -> None:
    ours = {member.name: member.value for member in enum}
    absent = {"CURRENT": 0, **NEWER}
    theirs = {name: getattr(binding, f"{PREFIXES[enum]}{name}", absent.get(name)) for name in ours}
    assert ours == theirs
