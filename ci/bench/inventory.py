"""What listing a host's instances costs as their number grows: the driver's instances() against libvirt's own bulk read.

What belongs here: filling the host, and the two ways of listing. The bare way is the cheapest that libvirt has: one
virConnectGetAllDomainStats with the state group.
"""

import math
from collections.abc import Sequence

from ci.bench.figures import Figure, Ratio, Results, interleaved, median
from ci.bench.hosts import WORKER, Host
from virtproof.lanes.smallest import smallest
from virtproof_driver import connect
from virtproof_driver.binding import Connection, Domain
from virtproof_driver.constants import UndefineFlag
from virtproof_driver.hypervisors import hypervisor_for
from virtproof_driver.markup.domain import domain_xml

SIZES = (10, 100, 1_000, 5_000)
ROUNDS = 15
SUBJECTS = ("driver", "bare libvirt-python")
STATS_STATE = 1  # VIR_DOMAIN_STATS_STATE


def measure(host: Host) -> Results:
    """Medians at each size, the driver's ratio to bare, and how its cost grows with the number of domains."""
    connection = host.binding.open(host.uri)
    domains: list[Domain] = []
    found = Results(figures=())
    try:
        for size in SIZES:
            domains.extend(defined(connection, len(domains), size))
            found += measure_at(host, connection, size)
    finally:
        for domain in domains:
            domain.undefineFlags(UndefineFlag.MANAGED_SAVE)
        connection.close()
    return found + growth(host, found.figures)


def defined(connection: Connection, first: int, last: int) -> list[Domain]:
    """Domains with the numbers from `first` up to, not including, `last`."""
    hypervisor = hypervisor_for(connection.getType())
    specs = [smallest("TEST", f"{WORKER.prefix}{number}", number) for number in range(first, last)]
    return [connection.defineXML(domain_xml(spec, hypervisor)) for spec in specs]


def measure_at(host: Host, connection: Connection, size: int) -> Results:
    """Both ways of listing, in alternation, on a host of so many domains."""
    with connect(host.uri) as driver:
        jobs = [driver.instances, lambda: connection.getAllDomainStats(STATS_STATE, 0)]
        times = interleaved(jobs, ROUNDS)
    quantity = f"listing {size} domains"
    figures = [
        Figure(
            benchmark="inventory",
            host=host.name,
            subject=name,
            quantity=quantity,
            value=1000 * median(values),
            unit="ms",
            samples=len(values),
        )
        for name, values in zip(SUBJECTS, times, strict=True)
    ]
    ratio = Ratio(
        benchmark="inventory", host=host.name, quantity=f"{quantity}, driver / bare", value=figures[0].value / figures[1].value
    )
    return Results(figures=tuple(figures), ratios=(ratio,))


def growth(host: Host, figures: Sequence[Figure]) -> Results:
    """The exponent of each subject's cost between the second size and the largest: 1 is linear, 2 quadratic."""
    ratios: list[Ratio] = []
    for subject in SUBJECTS:
        _, small, *_, large = [figure.value for figure in figures if figure.subject == subject]
        quantity = f"{subject}, growth exponent, {SIZES[1]} to {SIZES[-1]} domains"
        exponent = math.log(large / small) / math.log(SIZES[-1] / SIZES[1])
        ratios.append(Ratio(benchmark="inventory", host=host.name, quantity=quantity, value=exponent))
    return Results(figures=(), ratios=tuple(ratios))
