"""Instance ids as callers give them.

What belongs here: UUIDs and their strings to UUIDs. What does not: whether there is such an instance.
"""

from uuid import UUID

from virtproof_driver.contract import InstanceId
from virtproof_driver.errors import InvalidSpec


def instance_id(value: InstanceId) -> UUID:
    """The UUID. Raises InvalidSpec for what is none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise InvalidSpec("uuid", f"{value!r} is no UUID; give 32 hexadecimal digits, with hyphens or without") from None
