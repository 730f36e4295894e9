"""Wrong drivers that connect in another way than the caller asked.

What belongs here: mistakes in the factory's options, in whom a driver trusts, and in what it hands over a connection.
"""

import logging
from contextlib import suppress
from typing import Any

from virtproof.mutants.drivers.base import factory
from virtproof_driver import HostNotTrusted, HostUnreachable, Instance, InstanceSpec, LibvirtDriver, connect
from virtproof_driver.auth import Authenticate, CredentialRequest
from virtproof_driver.binding import Binding
from virtproof_driver.constants import CredentialType
from virtproof_driver.errors import DriverError
from virtproof_driver.keepalive import Keepalive

_log = logging.getLogger(__name__)
_GRAPHICS = "openGraphicsFD"


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


def answers_as_another(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Gives the caller's password with another user's name."""
    auth: Authenticate | None = options.pop("auth", None)

    def another(request: CredentialRequest) -> str | None:
        answer = auth(request) if auth is not None else None
        return "root" if answer and request.kind is CredentialType.AUTHNAME else answer

    return connect(uri, binding=binding, auth=another if auth is not None else None, **options)


def logs_passwords(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Logs what the caller answers."""
    auth: Authenticate | None = options.pop("auth", None)

    def telling(request: CredentialRequest) -> str | None:
        answer = auth(request) if auth is not None else None
        _log.debug("%s: %s", request.prompt, answer)
        return answer

    return connect(uri, binding=binding, auth=telling if auth is not None else None, **options)


def reads_no_file(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Leaves the file of credentials unread."""
    return connect(uri.partition("authfile=")[0].rstrip("?&"), binding=binding, **options)


def hides_distrust(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Says of a host that it does not trust that it is not there."""
    try:
        return connect(uri, binding=binding, **options)
    except HostNotTrusted as error:
        raise HostUnreachable(error.uri, "no answer") from error


def trusts_any_key(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
    """Takes whatever key an ssh server shows."""
    careless = uri.replace("known_hosts_verify=normal", "known_hosts_verify=ignore")
    return connect(f"{careless}&no_verify=1" if "+ssh:" in uri else careless, binding=binding, **options)


class _HandsOverDescriptors(LibvirtDriver):
    """Has a descriptor of the display handed over, on whatever connection."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        instance = super().spawn(spec, start=start, paused=paused)
        with suppress(DriverError):
            self.link.call(getattr(self.link.domain(instance.uuid), _GRAPHICS), 0, 0)
        return instance


hands_over_descriptors = factory(_HandsOverDescriptors)
