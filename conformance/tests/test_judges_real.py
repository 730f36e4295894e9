"""The judges on what libvirt's test driver really emits: whatever is done to a domain, the evidence breaks no rule of events."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import libvirt
import pytest

from virtproof.evidence import Kind
from virtproof.judges import judge_case
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World

CALLS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("create", ()),
    ("suspend", ()),
    ("resume", ()),
    ("shutdown", ()),
    ("destroy", ()),
    ("reboot", (0,)),
    ("managedSave", (0,)),
)


def ignore(*_arguments: object) -> None:
    """A callback, so that the recorder listens too."""


@pytest.mark.parametrize("seed", range(5))
def test_the_test_driver_breaks_no_rule_of_events(
    opened: Callable[[], Any], past: Callable[[], World], recorder: Recorder, uuid: str, seed: int
) -> None:
    connection = opened()
    callback = connection.domainEventRegisterAny(None, 0, ignore, None)
    domain, chosen = connection.lookupByUUIDString(uuid), random.Random(seed)
    for _ in range(200):
        method, arguments = chosen.choice(CALLS)
        with suppress(libvirt.libvirtError):
            getattr(domain, method)(*arguments)
    marker = past().touch()
    assert recorder.wait_for(lambda records: any(record.data["uuid"] == marker for record in records), (Kind.EVENT,), 20)
    connection.domainEventDeregisterAny(callback)
    connection.close()
    records = recorder.end_case(outcome="passed", message="", seconds=1.0)
    assert sum(record.kind is Kind.EVENT for record in records) > 30
    assert [violation for violation in judge_case(records) if violation.rule.startswith("events.")] == []
