"""Values made small enough for a line of evidence, and free of secrets.

What belongs here: how a value looks in a record. What does not: which values are recorded. Shapes that judges may read:
numbers, booleans and null as they are; text cut to 200 characters; XML as `<xml N characters DIGEST>`; bytes as `<N bytes>`;
an object of libvirt as `Domain:KEY`; a dataclass as a mapping of its plain fields with its class under `type`; enums by value.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Final, cast
from uuid import UUID

TEXT: Final = 200
ITEMS: Final = 20
REDACTED: Final = "<redacted>"
SECRET_NAMES: Final = frozenset({"password", "passwd", "passphrase", "secret", "auth"})

# Positions of arguments that are secrets, by method of libvirt-python.
SECRET_ARGUMENTS: Final[Mapping[str, frozenset[int]]] = {
    "setUserPassword": frozenset({1}),
    "openAuth": frozenset({1}),
    "setValue": frozenset({0}),
}
SECRET_RESULTS: Final = frozenset({"value"})
SECRET_OPERANDS: Final[Mapping[str, frozenset[str]]] = {"create_secret": frozenset({"value", "1"})}
"""Arguments of the contract's operations that are secrets, by name, and by position where a call does not fit the contract."""
_USER_INFO: Final = re.compile(r"(?<=//)([^/@:]*):[^/@]*@")

Labeller = Callable[[object], str | None]


def no_label(_value: object) -> str | None:
    """Knows no object."""
    return None


def summary(value: object, label: Labeller = no_label) -> object:
    """The value as it goes into a record. `label` names objects of libvirt, None for what is none."""
    if value is None or (isinstance(value, bool | int | float) and not isinstance(value, Enum)):
        return value
    for kinds, shorten in _SHORTENERS:
        if isinstance(value, kinds):
            return shorten(value, label)
    if is_dataclass(value) and not isinstance(value, type):
        return _dataclass(value, label)
    return label(value) or f"<{type(value).__name__}>"


def arguments(method: str, args: tuple[object, ...], kwargs: Mapping[str, object], label: Labeller = no_label) -> list[object]:
    """A call's arguments: the positional ones in order, then the others as `name=…` texts; secrets are redacted."""
    secret = SECRET_ARGUMENTS.get(method, frozenset())
    positional: list[object] = [REDACTED if index in secret else summary(value, label) for index, value in enumerate(args)]
    named = (f"{name}={REDACTED if _hidden(name) else summary(value, label)}" for name, value in kwargs.items())
    return [*positional, *named]


def named_arguments(values: Mapping[str, object], operation: str = "") -> dict[str, object]:
    """An operation's arguments by name; secrets are redacted."""
    secret = SECRET_OPERANDS.get(operation, frozenset())
    return {name: REDACTED if _hidden(name) or name in secret else summary(value) for name, value in values.items()}


def result(method: str, value: object, label: Labeller = no_label) -> object:
    """What a call returned."""
    return REDACTED if method in SECRET_RESULTS else summary(value, label)


def _hidden(name: str) -> bool:
    return name.lower() in SECRET_NAMES


def _text(value: object, _label: Labeller) -> object:
    text = str(value)
    if text.lstrip()[:1] == "<" and text.rstrip()[-1:] == ">":
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
        return f"<xml {len(text)} characters {digest}>"
    text = _USER_INFO.sub(rf"\1:{REDACTED}@", text)
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _bytes(value: object, _label: Labeller) -> object:
    return f"<{len(cast('bytes', value))} bytes>"


def _enum(value: object, label: Labeller) -> object:
    return summary(cast("Enum", value).value, label)


def _mapping(value: object, label: Labeller) -> object:
    items = list(cast("Mapping[object, object]", value).items())
    short: dict[str, object] = {str(k): REDACTED if _hidden(str(k)) else summary(v, label) for k, v in items[:ITEMS]}
    return short | ({"…": len(items)} if len(items) > ITEMS else {})


def _sequence(value: object, label: Labeller) -> object:
    items = list(cast("list[object]", value))
    short = [summary(item, label) for item in items[:ITEMS]]
    return [*short, f"… {len(items)} in all"] if len(items) > ITEMS else short


def _dataclass(value: object, label: Labeller) -> object:
    found: dict[str, object] = {"type": type(value).__name__}
    for field in fields(cast("type", value)):
        content: object = getattr(value, field.name)
        if content is None or isinstance(content, str | int | float | UUID):
            found[field.name] = REDACTED if _hidden(field.name) else summary(content, label)
    return found


_SHORTENERS: Final[tuple[tuple[type | tuple[type, ...], Callable[[object, Labeller], object]], ...]] = (
    (Enum, _enum),
    ((str, UUID), _text),
    ((bytes, bytearray, memoryview), _bytes),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), _sequence),
)
