"""Spawning until the host hears, over a driver and a host that are no libvirt's."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest

from virtproof import reachable
from virtproof.errors import SuiteError
from virtproof.guests.reach import MOST_TRIES
from virtproof.reachable import spawn_heard, spawn_up, start_heard
from virtproof.recording.world import World
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import Instance, PowerState


class Stage:
    """A driver, a host and their world in one; the host hears only of the spawn or start with this number, from 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, heard: int) -> None:
        self.heard = heard
        self.tries = 0
        self.did: list[str] = []
        monkeypatch.setattr(reachable, "hears", self.hears)

    def hears(self, _domain: object) -> bool:
        return self.tries == self.heard

    @property
    def connection(self) -> "Stage":
        return self

    def lookupByUUIDString(self, uuid: str) -> str:
        return uuid

    def spawn(self, spec: InstanceSpec) -> Instance:
        return self._begun(spec.uuid, f"spawn {spec.name}")

    def start(self, uuid: UUID) -> Instance:
        return self._begun(uuid, "start")

    def destroy(self, uuid: UUID) -> None:
        self.did.append(f"destroy {uuid.int}")

    def stop(self, uuid: UUID, *, timeout: float) -> None:
        self.did.append(f"stop {timeout}")

    def wait_up(self, uuid: UUID) -> None:
        self.did.append(f"up {uuid.int}")

    def _begun(self, uuid: UUID, what: str) -> Instance:
        self.tries += 1
        self.did.append(what)
        return Instance(uuid=uuid, name="vm", state=PowerState.RUNNING, reason="booted")


def parts(stage: Stage) -> tuple[ComputeDriver, World]:
    """The stage as each of its parts."""
    anything: Any = stage
    return cast("ComputeDriver", anything), cast("World", anything)


def specs() -> Iterator[InstanceSpec]:
    """New specs, numbered."""
    for number in range(1, 100):
        yield InstanceSpec(uuid=UUID(int=number), name=str(number), vcpus=1, memory_mib=16)


def test_the_first_instance_that_the_host_hears_of_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, made = Stage(monkeypatch, heard=1), specs()
    driver, world = parts(stage)
    assert spawn_heard(driver, lambda: next(made), world).uuid.int == 1
    assert stage.did == ["spawn 1"]


def test_what_was_spawned_in_vain_is_destroyed_and_another_one_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, made = Stage(monkeypatch, heard=3), specs()
    driver, world = parts(stage)
    assert spawn_up(driver, lambda: next(made), world).uuid.int == 3
    assert stage.did == ["spawn 1", "destroy 1", "spawn 2", "destroy 2", "spawn 3", "up 3"]


def test_a_start_in_vain_is_stopped_by_force_and_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, heard=2)
    driver, world = parts(stage)
    assert start_heard(driver, UUID(int=1), world).uuid.int == 1
    assert stage.did == ["start", "stop 0", "start"]


def test_a_host_that_never_hears_is_the_suites_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, made = Stage(monkeypatch, heard=0), specs()
    driver, world = parts(stage)
    with pytest.raises(SuiteError, match="none of"):
        spawn_heard(driver, lambda: next(made), world)
    with pytest.raises(SuiteError, match="none of"):
        start_heard(driver, UUID(int=1), world)
    assert stage.tries == 2 * MOST_TRIES
    assert stage.did[-1] == "stop 0"
    assert stage.did[2 * MOST_TRIES - 1] == f"destroy {MOST_TRIES}"
