"""The driver's lifecycle against the same libvirt calls made bare: time, and number of calls.

What belongs here: the two sequences. One lifecycle is spawn, pause, unpause, stop, start, destroy; bare, each step is its libvirt
call and one read of the state, as a program without a driver would have it. Connecting is outside: it happens once.
"""

from collections.abc import Callable

from ci.bench.figures import Figure, Ratio, Results, median, repeated
from ci.bench.hosts import WORKER, Host
from virtproof.evidence import Kind
from virtproof.lanes.smallest import smallest
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.recorder import Recorder
from virtproof_driver import connect
from virtproof_driver.binding import Connection
from virtproof_driver.constants import UndefineFlag
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.hypervisors import hypervisor_for
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.spec import InstanceSpec

BLOCKS = 10
BLOCK = 30
UNDEFINE = UndefineFlag.MANAGED_SAVE | UndefineFlag.SNAPSHOTS_METADATA


def through_driver(driver: ComputeDriver, spec: InstanceSpec) -> None:
    """One lifecycle through the driver."""
    driver.spawn(spec)
    driver.pause(spec.uuid)
    driver.unpause(spec.uuid)
    driver.stop(spec.uuid, timeout=30)
    driver.start(spec.uuid)
    driver.destroy(spec.uuid)


def bare(connection: Connection, xml: str) -> None:
    """The same by libvirt-python alone: 13 calls."""
    domain = connection.defineXML(xml)
    for step in (domain.create, domain.suspend, domain.resume, domain.shutdown, domain.create):
        step()
        domain.state()
    domain.destroy()
    domain.undefineFlags(UNDEFINE)


def measure(host: Host) -> Results:
    """Times in alternating blocks on the plain binding, then the calls of one lifecycle each on the recording one."""
    ours, theirs = (smallest("TEST", f"{WORKER.prefix}{name}", index) for index, name in enumerate(("driver", "bare")))
    driver_times: list[float] = []
    bare_times: list[float] = []
    for _ in range(BLOCKS):
        driver_times += driver_block(host, ours)
        bare_times += bare_block(host, theirs)
    return results(host.name, (driver_times, bare_times), (driver_calls(host, ours), bare_calls(host, theirs)))


def driver_block(host: Host, spec: InstanceSpec) -> list[float]:
    """The seconds of each lifecycle of a block through one driver."""
    with connect(host.uri) as driver:
        return repeated(lambda: through_driver(driver, spec), BLOCK)


def bare_block(host: Host, spec: InstanceSpec) -> list[float]:
    """The same without a driver connected, since its event thread would be woken by these changes too."""
    connection = host.binding.open(host.uri)
    try:
        xml = bare_xml(connection, spec)
        return repeated(lambda: bare(connection, xml), BLOCK)
    finally:
        connection.close()


def bare_xml(connection: Connection, spec: InstanceSpec) -> str:
    """What the driver would define for the spec."""
    return domain_xml(spec, hypervisor_for(connection.getType()))


def driver_calls(host: Host, spec: InstanceSpec) -> int:
    """How many libvirt calls a lifecycle makes through the driver."""
    recorder = Recorder(worker="bench")
    recorder.begin_case(host.name, "lifecycle")
    with connect(host.uri, binding=RecordingBinding(host.binding, recorder)) as driver:
        return counted(recorder, lambda: through_driver(driver, spec))


def bare_calls(host: Host, spec: InstanceSpec) -> int:
    """How many it makes without."""
    recorder = Recorder(worker="bench")
    recorder.begin_case(host.name, "lifecycle")
    connection = RecordingBinding(host.binding, recorder).open(host.uri)
    try:
        xml = bare_xml(connection, spec)
        return counted(recorder, lambda: bare(connection, xml))
    finally:
        connection.close()


def counted(recorder: Recorder, job: Callable[[], None]) -> int:
    """The libvirt calls that a job makes."""
    before = len(recorder.records(Kind.CALL))
    job()
    return len(recorder.records(Kind.CALL)) - before


def results(host: str, seconds: tuple[list[float], list[float]], calls: tuple[int, int]) -> Results:
    """Figures and ratios of the two subjects, the driver first."""
    subjects = ("driver", "bare libvirt-python")
    times = [
        Figure(
            benchmark="lifecycle",
            host=host,
            subject=name,
            quantity="time",
            value=1000 * median(values),
            unit="ms",
            samples=len(values),
        )
        for name, values in zip(subjects, seconds, strict=True)
    ]
    numbers = [
        Figure(benchmark="lifecycle", host=host, subject=name, quantity="libvirt calls", value=number, unit="calls", samples=1)
        for name, number in zip(subjects, calls, strict=True)
    ]
    return Results(
        figures=(*times, *numbers),
        ratios=(
            Ratio(benchmark="lifecycle", host=host, quantity="time, driver / bare", value=times[0].value / times[1].value),
            Ratio(benchmark="lifecycle", host=host, quantity="calls, driver / bare", value=calls[0] / calls[1]),
        ),
    )
