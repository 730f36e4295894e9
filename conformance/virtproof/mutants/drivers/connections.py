"""Wrong drivers that connect in another way than the caller asked.

What belongs here: mistakes in the factory's options.
"""

from typing import Any

from virtproof_driver import LibvirtDriver, connect
from virtproof_driver.binding import Binding
from virtproof_driver.keepalive import Keepalive


def writes_when_read_only(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Opens a read-only connection for writing."""
    options.pop("read_only", None)
    return connect(uri, binding=binding, **options)


def sends_no_keepalive(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Sends no keepalive, whatever it was asked."""
    options["keepalive"] = Keepalive(interval=0, count=0)
    return connect(uri, binding=binding, **options)


def answers_for_nobody(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Ignores the caller's credentials."""
    options.pop("auth", None)
    return connect(uri, binding=binding, **options)
