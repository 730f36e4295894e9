"""The fixtures that cases use.

What belongs here: fixtures, each a line or two over `case_context`, with what a case may expect of it. What does not: their
work. They are registered when the first case is collected, so that other tests of the same session do not see them before.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from virtproof.case_context import CaseContext, put_right
from virtproof.cases import case_of
from virtproof.destination import DestinationHost
from virtproof.errors import SuiteError
from virtproof.evidence import to_line
from virtproof.foreign import take_domain
from virtproof.guests.lent import lent_image
from virtproof.guests.sweeps import await_sweeps
from virtproof.lanes.model import DaemonControl, GuestControl, Lane, Ways
from virtproof.own_hosts import is_exclusive, is_paired
from virtproof.reachable import spawn_up
from virtproof.recording.collector import EventCollector
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.session import SESSION
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import InstanceSpec, PoolSpec, RescueImage
from virtproof_driver.values import Instance, PoolInfo


class Connect(Protocol):
    """What `connect` is: `uri` only where a case has another than the lane's, options as the driver's factory takes them."""

    def __call__(self, uri: str | None = None, **options: object) -> ComputeDriver: ...


class Small(Protocol):
    """What `small` is: a spec with a new UUID and new hardware addresses at each call; `changes` replace its fields.

    `guest` is what runs in it where that is not the one that obeys; the case must then need guests.run. A case about networks or
    interfaces asks for one that is `wired`.
    """

    def __call__(
        self, name: str | None = None, *, guest: str | None = None, wired: bool = False, **changes: object
    ) -> InstanceSpec: ...


PoolSpecs = Callable[[], PoolSpec]


@pytest.fixture(scope="session")
def lane(request: pytest.FixtureRequest) -> Lane:
    """The lane that the case runs on. Cases name capabilities, so they seldom ask for it."""
    return request.config.stash[SESSION].pool.lane(request.param)


@pytest.fixture
def virtproof_case(request: pytest.FixtureRequest, lane: Lane) -> Iterator[CaseContext]:
    """The case's world, open from before its first fixture until all that it made is gone."""
    session = request.config.stash[SESSION]
    made = case_of(request.function)
    exclusive, paired = made is not None and is_exclusive(made), made is not None and is_paired(made, lane)
    with session.tools.subject.in_place(), lane.open_case(exclusive=exclusive, paired=paired) as world:
        context = CaseContext(session.tools, lane, world, next(session.numbers))
        yield context
        context.finish()


@pytest.fixture
def uri(virtproof_case: CaseContext) -> str:
    """The URI that `connect` gives the driver. Only cases about addresses need it."""
    return virtproof_case.case_world.uri


@pytest.fixture
def world(virtproof_case: CaseContext) -> World:
    """An observer past the driver under test."""
    return virtproof_case.world


@pytest.fixture
def connect(virtproof_case: CaseContext) -> Connect:
    """Connects further drivers under test; each is closed at the end."""
    return virtproof_case.connect


@pytest.fixture
def driver(connect: Connect) -> ComputeDriver:
    """A driver under test, connected."""
    return connect()


@pytest.fixture
def names(virtproof_case: CaseContext) -> Callable[..., str]:
    """`names("net")`: a name that no other object on the host has, with the worker's prefix."""
    return virtproof_case.name


@pytest.fixture
def small(virtproof_case: CaseContext) -> Small:
    """Makes the lane's smallest spec; nothing is spawned."""
    return virtproof_case.small


@pytest.fixture
def instance(driver: ComputeDriver, small: Small) -> Instance:
    """An instance that runs."""
    return driver.spawn(small())


@pytest.fixture
def up_instance(driver: ComputeDriver, small: Small, world: World) -> Instance:
    """An instance that runs, whose guest is up and can be asked."""
    return spawn_up(driver, small, world)


@pytest.fixture
def sweeper(driver: ComputeDriver, small: Small, world: World) -> Instance:
    """An instance that runs, whose guest writes memory faster than a slow migration sends it, and notices what was lost."""
    instance = driver.spawn(small(guest="sweeper"))
    await_sweeps(world.connection.lookupByUUIDString(str(instance.uuid)), 2)
    return instance


@pytest.fixture
def off_instance(driver: ComputeDriver, small: Small) -> Instance:
    """An instance that is defined and off."""
    return driver.spawn(small(), start=False)


@pytest.fixture
def rescue_image(small: Small, names: Callable[..., str], world: World) -> Iterator[RescueImage]:
    """An image to rescue with, which nothing else uses: on a lane with guests a copy of what the smallest instance boots."""
    with lent_image(lambda: world.connection, small(), names("rescue")) as image:
        yield image


@pytest.fixture
def pool_spec(names: Callable[..., str]) -> PoolSpecs:
    """Makes specs of storage pools; nothing is made on the host, whose folder for what outlives a reboot would hold them."""

    def make() -> PoolSpec:
        name = names("pool")
        return PoolSpec(name=name, target=f"/var/tmp/{name}")  # noqa: S108 - a path on the host, under a name of our own

    return make


@pytest.fixture
def pool(driver: ComputeDriver, pool_spec: PoolSpecs) -> PoolInfo:
    """A storage pool that is active and empty."""
    return driver.create_pool(pool_spec())


@pytest.fixture
def pool_on_both(driver: ComputeDriver, connect: Connect, destination: DestinationHost, pool_spec: PoolSpecs) -> str:
    """The name of a storage pool that each of two hosts has, of its own, active and empty."""
    spec = pool_spec()
    driver.create_pool(spec)
    return connect(destination.uri).create_pool(spec).name


@pytest.fixture
def events(virtproof_case: CaseContext, driver: ComputeDriver, world: World) -> Iterator[EventCollector]:
    """A listener subscribed to the driver. Ask for it before `instance` where the spawn's own events matter."""
    collector = EventCollector(virtproof_case.recorder).attach(driver, world)
    yield collector
    collector.detach()


@pytest.fixture
def faults(virtproof_case: CaseContext) -> Faults:
    """Faults at the seam of the driver under test. One that never takes effect is an error of the case."""
    return virtproof_case.faults


@pytest.fixture
def daemon(virtproof_case: CaseContext) -> Iterator[DaemonControl]:
    """Power over the daemon of this case's own host; it is put right again before anything is taken down."""
    control = virtproof_case.case_world.daemon
    if control is None:
        raise SuiteError("the lane has no daemon of its own; the case must need connection.reconnect or connection.keepalive")
    yield control
    put_right(control)


@pytest.fixture
def guests(virtproof_case: CaseContext) -> GuestControl:
    """Power over guests past libvirt, and a look at their host's files; the case must need guests.run."""
    control = virtproof_case.case_world.guests
    if control is None:
        raise SuiteError("the lane gives no power over its guests; the case must need guests.run")
    return control


@pytest.fixture
def destination(virtproof_case: CaseContext) -> DestinationHost:
    """A second host, to which the case's instances can be moved; the case must need a capability of migration."""
    found = virtproof_case.destination
    if found is None:
        raise SuiteError("the lane has no second host; the case must need migration.live")
    return found


@pytest.fixture
def authenticated(virtproof_case: CaseContext) -> tuple[str, str, str]:
    """A URI that asks for credentials, with a user and a password that it accepts."""
    found = virtproof_case.case_world.authenticated()
    if found is None:
        raise SuiteError("the lane has no host that asks for credentials; the case must need connection.authentication")
    return found


@pytest.fixture
def said(
    virtproof_case: CaseContext, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], str]]:
    """All that was logged, printed and recorded since the case began: for cases about what shows nowhere."""

    def everything() -> str:
        printed = capfd.readouterr()
        evidence = "".join(to_line(record) for record in virtproof_case.recorder.records())
        if not evidence:
            raise SuiteError("nothing was recorded of the case, so that looking there proves nothing")
        return f"{caplog.text}\n{printed.out}\n{printed.err}\n{evidence}"

    with caplog.at_level(logging.DEBUG):
        yield everything


@pytest.fixture
def ways(virtproof_case: CaseContext) -> Ways:
    """Ways to the case's host by transport, and wrong ones; the case must need the transport's capability."""
    found = virtproof_case.case_world.ways
    if found is None:
        raise SuiteError("the lane has no further ways to its host; the case must need connection.tls or connection.ssh")
    return found


@pytest.fixture
def inhabited(virtproof_case: CaseContext) -> Iterator[tuple[str, InstanceSpec]]:
    """A URI of a host that has an instance, running, which no driver made; and its spec. `connect(uri)` reaches it."""
    case_world = virtproof_case.case_world
    spec = virtproof_case.small(None if case_world.shared else "resident")  # one that goes with its host is no leftover
    yield case_world.inhabited(spec), spec
    domain = virtproof_case.world.domain(spec.uuid) if case_world.shared else None
    if domain is not None:
        take_domain(virtproof_case.world, domain)
