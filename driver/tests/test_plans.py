"""Tests of `plans` and `actions`: what would be done, read before anything is."""

from dataclasses import replace

import pytest

from virtproof_driver import actions as vocabulary
from virtproof_driver.actions import (
    Action,
    AutostartNetwork,
    AutostartPool,
    BuildPool,
    CreateVolume,
    DefineDomain,
    DefineNetwork,
    DefinePool,
    DeleteVolume,
    ForceOff,
    RedefineDomain,
    RemoveDomain,
    RemoveNetwork,
    RemovePool,
    SetMemory,
    SetVcpus,
    StartDomain,
    StartNetwork,
    StartPool,
)
from virtproof_driver.claiming import Gated
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.network import network_xml
from virtproof_driver.markup.storage import pool_xml
from virtproof_driver.operations.executing import perform
from virtproof_driver.plans import Plan, Step, network_plan, pool_plan, reboot_into_plan, resize_plan, spawn_plan
from virtproof_driver.spec import Disk, DiskFormat, FileSource, InstanceSpec, NetworkSpec, NewVolume, PoolSpec


def actions(plan: Plan) -> list[Action]:
    return [step.do for step in plan]


def test_spawn_makes_volumes_then_defines_then_starts(small: InstanceSpec) -> None:
    volume = NewVolume(pool="p", volume="root", capacity_bytes=4096)
    disks = (Disk(target="vda", source=volume, format=DiskFormat.QCOW2), Disk(target="vdb", source=FileSource(path="/b")))
    spec = replace(small, disks=disks)
    uuid = spec.uuid
    assert spawn_plan(spec, TEST, start=True, paused=False) == (
        Step(do=CreateVolume(volume=volume, format=DiskFormat.QCOW2), undo=DeleteVolume(pool="p", volume="root")),
        Step(
            do=DefineDomain(uuid=uuid, name="small", xml=domain_xml(spec, TEST)),
            undo=RemoveDomain(uuid=uuid),
            undo_if_unsure=True,
        ),
        Step(do=StartDomain(uuid=uuid, paused=False)),
    )


def test_spawn_off_has_no_start_and_paused_is_told_to_the_start(small: InstanceSpec) -> None:
    off, paused = (actions(spawn_plan(small, TEST, start=start, paused=start)) for start in (False, True))
    assert [type(action) for action in off] == [DefineDomain]
    assert paused[-1] == StartDomain(uuid=small.uuid, paused=True)


@pytest.mark.parametrize("active", [True, False], ids=["running", "off"])
def test_a_rescue_comes_back_to_what_was_before(small: InstanceSpec, active: bool) -> None:
    uuid = small.uuid
    plan = reboot_into_plan(uuid, old_xml="<old/>", new_xml="<new/>", active=active)
    assert actions(plan) == [
        *([ForceOff(uuid=uuid)] if active else []),
        RedefineDomain(uuid=uuid, xml="<new/>"),
        StartDomain(uuid=uuid),
    ]
    assert [step.undo for step in reversed(plan)] == [
        ForceOff(uuid=uuid),
        RedefineDomain(uuid=uuid, xml="<old/>"),
        *([StartDomain(uuid=uuid)] if active else []),
    ]
    assert all(step.undo_if_unsure for step in plan)


def vcpu_counts(plan: Plan) -> list[tuple[bool, int, int | None]]:
    """Of each step that sets processors: whether the maximum, to what, and back to what."""
    return [
        (step.do.maximum, step.do.count, step.undo.count if isinstance(step.undo, SetVcpus) else None)
        for step in plan
        if isinstance(step.do, SetVcpus)
    ]


def test_a_maximum_is_raised_before_its_value_and_lowered_after(small: InstanceSpec) -> None:
    old = replace(small, vcpus=2)
    assert vcpu_counts(resize_plan(old, vcpus=4, memory_mib=16)) == [(True, 4, 2), (False, 4, 2)]
    assert vcpu_counts(resize_plan(old, vcpus=1, memory_mib=16)) == [(False, 1, 2), (True, 1, 2)]


def test_a_maximum_that_was_asked_for_stays(small: InstanceSpec) -> None:
    old = replace(small, vcpus=2, max_vcpus=8, max_memory_mib=64)
    assert actions(resize_plan(old, vcpus=4, memory_mib=32)) == [
        SetVcpus(uuid=small.uuid, count=4, maximum=False),
        SetMemory(uuid=small.uuid, mib=32, maximum=False),
    ]


def test_the_size_that_it_has_needs_no_step(small: InstanceSpec) -> None:
    assert resize_plan(small, vcpus=small.vcpus, memory_mib=small.memory_mib) == ()


def test_a_network_is_defined_started_and_set_to_autostart() -> None:
    spec = NetworkSpec(name="n")
    plan = network_plan(spec, autostart=True)
    define = DefineNetwork(network=spec, xml=network_xml(spec))
    assert actions(plan) == [define, StartNetwork(name="n"), AutostartNetwork(name="n")]
    assert [step.undo for step in plan] == [RemoveNetwork(name="n"), None, None]
    assert actions(network_plan(spec, autostart=False)) == [define, StartNetwork(name="n")]


@pytest.mark.parametrize(("kind", "built"), [("dir", True), ("logical", False)])
def test_only_a_directory_is_built(kind: str, built: bool) -> None:
    spec = PoolSpec(name="p", target="/p", kind=kind)
    plan = pool_plan(spec, autostart=True)
    assert actions(plan) == [
        DefinePool(pool=spec, xml=pool_xml(spec)),
        *([BuildPool(name="p")] if built else []),
        StartPool(name="p"),
        AutostartPool(name="p"),
    ]
    assert plan[0].undo == RemovePool(name="p")


def test_every_action_is_performed_by_some_operation() -> None:
    assert issubclass(LibvirtDriver, Gated)  # importing the facade brings all operations in
    kinds = {kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, Action)} - {Action}
    unperformed = [kind.__name__ for kind in kinds if perform.dispatch(kind) is perform.dispatch(object)]
    assert len(kinds) > 10
    assert unperformed == []


def test_what_is_undone_is_told_in_words(small: InstanceSpec) -> None:
    plans = (
        reboot_into_plan(small.uuid, old_xml="<old/>", new_xml="<new/>", active=True),
        resize_plan(small, vcpus=2, memory_mib=32),
        network_plan(NetworkSpec(name="n"), autostart=True),
        pool_plan(PoolSpec(name="p", target="/p"), autostart=True),
    )
    subject = f"instance {small.uuid}"
    assert [str(step.do) for plan in plans for step in plan] == [
        f"force {subject} off",
        f"redefine {subject}",
        f"start {subject}",
        f"set maximum vcpus of {subject} to 2",
        f"set vcpus of {subject} to 2",
        f"set maximum memory of {subject} to 32 MiB",
        f"set memory of {subject} to 32 MiB",
        "define network 'n'",
        "start network 'n'",
        "set autostart of network 'n'",
        "define storage pool 'p'",
        "build storage pool 'p'",
        "start storage pool 'p'",
        "set autostart of storage pool 'p'",
    ]


def test_an_action_says_what_it_does(small: InstanceSpec) -> None:
    words = [str(action) for action in actions(spawn_plan(small, TEST, start=True, paused=False))]
    assert words == [f"define instance 'small' ({small.uuid})", f"start instance {small.uuid}"]
