"""Reading all domains of a host at once, for the start of listening and after an outage, and one that may have left it.

What belongs here: the libvirt calls and what they find. What does not: what is concluded (`events.resync`).
Cost: two calls where the hypervisor gives states in bulk, otherwise one more for each domain.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from virtproof_driver.binding import Binding, Connection, Domain
from virtproof_driver.constants import ErrorCode, ListFlag, StatsType
from virtproof_driver.edge import last_error
from virtproof_driver.events import Found
from virtproof_driver.hypervisors.model import Hypervisor
from virtproof_driver.states import power_state


def read_inventory(binding: Binding, connection: Connection, hypervisor: Hypervisor) -> Mapping[UUID, Found]:
    """Every domain of the host. Raises the binding's libvirtError."""
    transient = {domain.UUIDString() for domain in connection.listAllDomains(int(ListFlag.TRANSIENT))}
    states = _states_in_bulk(connection) if hypervisor.bulk_state else _states_one_by_one(binding, connection)
    return {UUID(domain.UUIDString()): _found(domain, pair, domain.UUIDString() not in transient) for domain, pair in states}


def read_domain(binding: Binding, connection: Connection, uuid: UUID) -> Found | None:
    """One domain, None when the host has none. Raises the binding's libvirtError."""
    last_error.forget()
    try:
        domain = connection.lookupByUUIDString(str(uuid))
        state, reason = domain.state()[:2]
        return _found(domain, (state, reason), bool(domain.isPersistent()))
    except binding.libvirtError as error:
        if last_error.said(error).get_error_code() == ErrorCode.NO_DOMAIN:
            return None
        raise


def _states_in_bulk(connection: Connection) -> Iterator[tuple[Domain, tuple[int, int]]]:
    for domain, stats in connection.getAllDomainStats(int(StatsType.STATE)):
        yield domain, (stats["state.state"], stats["state.reason"])


def _states_one_by_one(binding: Binding, connection: Connection) -> Iterator[tuple[Domain, tuple[int, int]]]:
    for domain in connection.listAllDomains():
        last_error.forget()
        try:
            state, reason = domain.state()[:2]
        except binding.libvirtError as error:
            if last_error.said(error).get_error_code() == ErrorCode.NO_DOMAIN:  # gone since it was listed
                continue
            raise
        yield domain, (state, reason)


def _found(domain: Domain, pair: tuple[int, int], persistent: bool) -> Found:  # noqa: FBT001  # two lines above
    state, reason = power_state(*pair)
    number = domain.ID()
    return Found(name=domain.name(), state=state, reason=reason, persistent=persistent, domain_id=number if number > 0 else None)
