"""What a failed call was about, told from the call itself.

What belongs here: finding a UUID or a name in the bound method and its arguments. What does not: the error made of it
(`error_table`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from virtproof_driver.constants import ErrorCode


def offender(function: Callable[..., Any], args: Sequence[object], code: int | None) -> str:
    """What was looked up, else the object that was called; empty where neither tells. Asks no host.

    The object is the one that the method is bound to, or the first argument of a plain function.
    """
    bound: object = getattr(function, "__self__", None)
    first = args[0] if args else None
    looked_up = first if isinstance(first, str) and "ookup" in getattr(function, "__name__", "") else ""
    owner = _identity(bound) or _identity(first)
    if code == ErrorCode.NO_SECRET:  # the owner is what needs the secret
        return looked_up
    return (owner or looked_up) if code == ErrorCode.NO_DOMAIN else (looked_up or owner)


def _identity(subject: object) -> str:
    for reader in ("UUIDString", "name"):
        read = getattr(subject, reader, None)
        if callable(read):
            return str(read())
    return ""
