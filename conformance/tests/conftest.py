"""Fixtures of the suite's own tests: a recorder in an open case, its binding on the real libvirt, and a private host.

What belongs here: what tests of several modules share. What does not: the fixtures that cases use (`virtproof.fixtures`).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from virtproof.lanes.bare import bare_binding
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver.edge.event_loop import ensure_running

UUID = "6b1c6b0e-3c1f-4f5e-9d0a-0d3f6f0e1a01"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder with a case open."""
    made = Recorder(worker="w0")
    made.begin_case("test", "case.of.tests")
    yield made
    made.end_case()


@pytest.fixture
def binding(recorder: Recorder) -> RecordingBinding:
    """The recording binding on the real libvirt, whose event loop runs."""
    bare = bare_binding()
    ensure_running(bare)
    return RecordingBinding(bare, recorder)


@pytest.fixture
def uuid() -> str:
    """The UUID of the one domain, named vm and running, of `uri`."""
    return UUID


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A private host of libvirt's test driver."""
    file = tmp_path / "node.xml"
    file.write_text(ET.tostring(_node(), encoding="unicode"), encoding="utf-8")
    return f"test://{file}"


@pytest.fixture
def opened(binding: RecordingBinding, uri: str) -> Callable[[], Any]:
    """Opens a connection of the driver under test."""
    return lambda: binding.open(uri)


@pytest.fixture
def past(binding: RecordingBinding, recorder: Recorder) -> Callable[[], World]:
    """The host past the recorder, on the connection that was opened last."""

    def make() -> World:
        bare = binding.bare_connection()
        assert bare is not None
        return World(bare, recorder, "")

    return make


def _node() -> ET.Element:
    node = ET.Element("node")
    domain = ET.SubElement(node, "domain", type="test")
    ET.SubElement(domain, "name").text = "vm"
    ET.SubElement(domain, "uuid").text = UUID
    ET.SubElement(domain, "memory").text = "8192"
    system = ET.SubElement(domain, "os")
    ET.SubElement(system, "type").text = "hvm"
    return node
