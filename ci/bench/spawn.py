"""Spawn to started on QEMU: through the driver, and by the two bare libvirt calls that it comes down to.

What belongs here: the two ways. What does not: provisioning the host (`hosts`). Destroying is outside the time, as is connecting.
The guest is the lane's smallest. Blocks alternate, each on a connection of its own, so that a driver's event threads do not wake
for what the bare calls do.
"""

from collections.abc import Callable

from ci.bench.figures import Figure, Ratio, Results, median, seconds_of
from ci.bench.hosts import Machines
from virtproof.lanes.facts import hypervisor_of
from virtproof_driver import connect
from virtproof_driver.binding import Connection
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.spec import InstanceSpec

BLOCKS = 10
BLOCK = 6
WARM_UP = 1  # the first start on a connection is not counted


def measure(host: Machines) -> Results:
    """Alternating blocks of each way; medians and their ratio."""
    driver_times: list[float] = []
    bare_times: list[float] = []
    for _ in range(BLOCKS):
        driver_times += driver_block(host, host.small("driver"))
        bare_times += bare_block(host, host.small("bare"))
    return results(host.name, driver_times, bare_times)


def driver_block(host: Machines, spec: InstanceSpec) -> list[float]:
    """The seconds of each spawn through one driver."""
    with connect(host.uri) as driver:
        return timed(lambda: driver.spawn(spec), lambda: driver.destroy(spec.uuid))


def bare_block(host: Machines, spec: InstanceSpec) -> list[float]:
    """The seconds of each definition and start by libvirt-python alone."""
    connection = host.binding.open(host.uri)
    try:
        xml = bare_xml(connection, spec)
        return timed(lambda: connection.defineXML(xml).create(), lambda: bare_destroy(connection, spec))
    finally:
        connection.close()


def timed(make: Callable[[], object], unmake: Callable[[], object]) -> list[float]:
    """How long each making takes; what was made is unmade before the next one, also when it failed."""
    times: list[float] = []
    for _ in range(BLOCK + WARM_UP):
        try:
            times.append(seconds_of(make))
        finally:
            unmake()
    return times[WARM_UP:]


def bare_xml(connection: Connection, spec: InstanceSpec) -> str:
    """What the driver would define for the spec."""
    return domain_xml(spec, hypervisor_of(connection))


def bare_destroy(connection: Connection, spec: InstanceSpec) -> None:
    """End and undefine."""
    domain = connection.lookupByUUIDString(str(spec.uuid))
    domain.destroy()
    domain.undefineFlags(0)


def results(host: str, driver: list[float], bare: list[float]) -> Results:
    """Figures of the two, and the driver's over the bare one's."""
    subjects = {"driver": driver, "bare libvirt-python": bare}
    figures = tuple(
        Figure(
            benchmark="spawn",
            host=host,
            subject=subject,
            quantity="spawn to started",
            value=1000 * median(times),
            unit="ms",
            samples=len(times),
        )
        for subject, times in subjects.items()
    )
    ratio = Ratio(benchmark="spawn", host=host, quantity="time, driver / bare", value=median(driver) / median(bare))
    return Results(figures=figures, ratios=(ratio,))
