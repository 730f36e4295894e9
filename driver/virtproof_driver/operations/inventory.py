"""Which instances there are, what they are like, and what states they are in.

What belongs here: reads of one or all instances. What does not: counters (`diagnostics`), and any change.
"""

from collections.abc import Iterator
from uuid import UUID

from virtproof_driver.binding import Domain
from virtproof_driver.constants import StatsType, XmlFlag
from virtproof_driver.errors import InstanceNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup import domain as domain_markup
from virtproof_driver.markup import rescue as rescue_markup
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.states import instance_of
from virtproof_driver.values import Instance


def instances(link: Link) -> tuple[Instance, ...]:
    """Every domain of the host, ordered by name; one call where the hypervisor gives all states at once."""
    found = _in_bulk(link) if link.hypervisor.bulk_state else _one_by_one(link)
    return tuple(sorted(found, key=lambda instance: (instance.name, instance.uuid)))


def instance(link: Link, uuid: UUID) -> Instance:
    """One instance, by one read of its state by the handle that is kept. Raises InstanceNotFound."""
    return _read(link, uuid, link.domain(uuid))


def looked_up(link: Link, uuid: UUID) -> Instance:
    """One instance, looked up anew. Raises InstanceNotFound.

    A kept handle has the name that the domain had then, and another client may have renamed it or defined it anew. The event of
    that drops the handle, but may come later than a caller's question.
    """
    link.forget(uuid)
    return instance(link, uuid)


def spec(link: Link, uuid: UUID) -> InstanceSpec:
    """What would spawn this instance again, from its persistent definition; of a rescued one, without the rescue."""
    xml = inactive_xml(link, uuid)
    return domain_markup.parse_domain(rescue_markup.unrescued(xml) if rescue_markup.is_rescued(xml) else xml)


def inactive_xml(link: Link, uuid: UUID, *, secrets: bool = False) -> str:
    """The persistent definition's XML; with `secrets` fit to be defined again, which a read-only connection may not ask."""
    flags = XmlFlag.INACTIVE | XmlFlag.SECURE if secrets else XmlFlag.INACTIVE
    return link.call(link.domain(uuid).XMLDesc, flags)


def _read(link: Link, uuid: UUID, domain: Domain) -> Instance:
    return instance_of(uuid, domain.name(), link.call(domain.state))


def _in_bulk(link: Link) -> Iterator[Instance]:
    for domain, stats in link.call(link.connection().getAllDomainStats, StatsType.STATE):
        state = (int(stats["state.state"]), int(stats["state.reason"]))
        yield instance_of(UUID(domain.UUIDString()), domain.name(), state)


def _one_by_one(link: Link) -> Iterator[Instance]:
    for domain in link.call(link.connection().listAllDomains):
        try:
            yield _read(link, UUID(domain.UUIDString()), domain)
        except InstanceNotFound:  # it went between the list and the read
            continue
