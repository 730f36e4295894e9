"""A running instance's counters.

What belongs here: reads of counters. What does not: how often they are wanted.
"""

from types import MappingProxyType
from uuid import UUID

from virtproof_driver.binding import Domain
from virtproof_driver.link import Link
from virtproof_driver.markup.domain import disk_targets, interface_targets
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.transitions import ACTIVE, wrong_state
from virtproof_driver.states import power_state
from virtproof_driver.values import BlockCounters, Diagnostics, InterfaceCounters

NO_REASON = 0


def diagnostics(link: Link, uuid: UUID) -> Diagnostics:
    """Read the counters of one instance: its processors, its memory, and each disk and interface that it has now.

    Raises InvalidState when it is not active: then there is nothing that counts.
    """
    domain = link.domain(uuid)
    state, max_memory_kib, memory_kib, vcpus, cpu_time_ns = link.call(domain.info)
    if not power_state(state, NO_REASON)[0].active:
        raise wrong_state(instance(link, uuid), "read counters of", ACTIVE)
    xml = link.call(domain.XMLDesc)
    stats = link.call(domain.memoryStats)
    return Diagnostics(
        uuid=uuid,
        vcpus=vcpus,
        cpu_time_ns=cpu_time_ns,
        memory_kib=stats.get("actual", memory_kib),  # a container's info has what is in use there (11.3.0)
        max_memory_kib=max_memory_kib,
        memory_stats_kib=MappingProxyType(dict(stats)),
        blocks=tuple(_block(link, domain, target) for target in disk_targets(xml)),
        interfaces=tuple(_interface(link, domain, target) for target in interface_targets(xml)),
    )


def _block(link: Link, domain: Domain, target: str) -> BlockCounters:
    read_requests, read_bytes, write_requests, write_bytes, errors = link.call(domain.blockStats, target)
    return BlockCounters(
        target=target,
        read_requests=read_requests,
        read_bytes=read_bytes,
        write_requests=write_requests,
        write_bytes=write_bytes,
        errors=errors,
    )


def _interface(link: Link, domain: Domain, target: str) -> InterfaceCounters:
    counters = link.call(domain.interfaceStats, target)
    rx_bytes, rx_packets, rx_errors, rx_drops, tx_bytes, tx_packets, tx_errors, tx_drops = counters
    return InterfaceCounters(
        target=target,
        rx_bytes=rx_bytes,
        rx_packets=rx_packets,
        rx_errors=rx_errors,
        rx_drops=rx_drops,
        tx_bytes=tx_bytes,
        tx_packets=tx_packets,
        tx_errors=tx_errors,
        tx_drops=tx_drops,
    )
