"""Making an instance: volumes, definition, start; all of it or nothing.

What belongs here: spawn and the actions that only it takes. What does not: the order of the steps (`plans.spawn_plan`), and
destroying (`stopping`).
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from virtproof_driver.actions import DefineDomain, RedefineDomain, StartDomain
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import HypervisorError, InstanceExists, InstanceNotFound, InvalidSpec, NotSupported
from virtproof_driver.link import Link
from virtproof_driver.markup.filesystems import with_paths
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.secrets import require_secrets
from virtproof_driver.operations.transitions import START, START_PAUSED, attempt
from virtproof_driver.operations.volumes import lookup_volume
from virtproof_driver.plans import spawn_plan
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.validation import validate_instance
from virtproof_driver.values import Instance


def spawn(link: Link, spec: InstanceSpec, *, start: bool, paused: bool) -> Instance:
    """Make an instance as the plan says. A UUID or name that is taken is InstanceExists, and its owner is not touched.

    libvirt would silently redefine a domain of the same UUID and name, and has no flag against it, so the UUID is looked up.
    """
    validate_instance(spec, link.hypervisor)
    _check_paused(link, start=start, paused=paused)
    if _is_defined(link, spec.uuid):
        raise InstanceExists(str(spec.uuid))
    require_secrets(link, spec.disks)
    execute(link, spawn_plan(spec, link.hypervisor, start=start, paused=paused))
    return instance(link, spec.uuid)


class Reservations:
    """The UUIDs whose spawn is under way in this driver, so that two threads do not make the same instance.

    dict.setdefault is one step for all threads of a process, so this needs no lock.
    """

    def __init__(self) -> None:
        self._held: dict[UUID, object] = {}

    @contextmanager
    def hold(self, uuid: UUID) -> Generator[None]:
        """Keep the UUID for the time of a spawn. Raises InstanceExists while another one keeps it."""
        token = object()
        if self._held.setdefault(uuid, token) is not token:
            raise InstanceExists(str(uuid), "it is being spawned just now")
        try:
            yield
        finally:
            del self._held[uuid]


def _check_paused(link: Link, *, start: bool, paused: bool) -> None:
    if paused and not start:
        raise InvalidSpec("paused", "an instance that is not started cannot be paused; leave out start=False or paused=True")
    if paused and Capability.SPAWN_PAUSED in link.refusals:
        raise NotSupported(Capability.SPAWN_PAUSED, link.refusals[Capability.SPAWN_PAUSED])


def _is_defined(link: Link, uuid: UUID) -> bool:
    try:
        link.call(link.connection().lookupByUUIDString, str(uuid))
    except InstanceNotFound:
        return False
    return True


def _name_is_taken(link: Link, name: str) -> bool:
    try:
        link.call(link.connection().lookupByName, name)
    except InstanceNotFound:
        return False
    return True


def _path(link: Link, pool: str, volume: str) -> str:
    return link.call(lookup_volume(link, pool, volume).path)


@perform.register
def _define(action: DefineDomain, link: Link) -> None:
    xml = with_paths(action.xml, partial(_path, link))
    try:
        domain = link.call(link.connection().defineXML, xml)
    except (HypervisorError, InstanceExists) as refusal:
        if _name_is_taken(link, action.name):
            raise InstanceExists(action.name) from refusal
        if _is_defined(link, action.uuid):
            raise InstanceExists(str(action.uuid)) from refusal
        raise
    link.remember(action.uuid, domain)


@perform.register
def _redefine(action: RedefineDomain, link: Link) -> None:
    link.remember(action.uuid, link.call(link.connection().defineXML, action.xml))


@perform.register
def _start(action: StartDomain, link: Link) -> None:
    attempt(link, action.uuid, START_PAUSED if action.paused else START)
