"""The way in: a URI to a driver.

What belongs here: putting the parts together. What does not: anything that could be tested without doing so.
"""

from virtproof_driver.auth import Authenticate
from virtproof_driver.binding import Binding
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.edge.opening import Target
from virtproof_driver.edge.session import Session
from virtproof_driver.hypervisors import hypervisor_for
from virtproof_driver.keepalive import Keepalive


def connect(
    uri: str,
    *,
    binding: Binding | None = None,
    auth: Authenticate | None = None,
    read_only: bool = False,
    keepalive: Keepalive | None = None,
) -> LibvirtDriver:
    """Connect to a host, at once, and return its driver; close it, or use it as a context manager.

    `binding` is the libvirt to use, the real one by default. `auth` answers the host's requests for credentials, as
    far as the file that the URI's `authfile` names does not. `keepalive` is
    Keepalive() by default: a silent host is noticed within 20 s. Raises HostUnreachable, HostNotTrusted,
    PermissionDenied, UnknownHypervisor.
    """
    target = Target(
        binding=binding or libvirt_binding(),
        uri=uri,
        hypervisor_for=hypervisor_for,
        auth=auth,
        read_only=read_only,
        keepalive=keepalive or Keepalive(),
    )
    session = Session(target)
    session.open()
    return LibvirtDriver(session)
