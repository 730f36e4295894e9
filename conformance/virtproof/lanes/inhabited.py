"""A host that has a running instance before anybody connects to it: for cases whose driver may make none.

What belongs here: putting the instance there, past every driver. What does not: taking it away again (`fixtures`), and what the
instance is (`smallest`). A host that is private to its connection has it from its node file, any other from another client.
"""

from pathlib import Path

from virtproof.lanes.facts import hypervisor_of
from virtproof.lanes.node import write_node
from virtproof_driver.binding import Connection
from virtproof_driver.hypervisors import hypervisor_for
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.spec import InstanceSpec


def inhabited_node(folder: Path, spec: InstanceSpec) -> str:
    """The URI of a node file with the instance in it, which the test driver runs as soon as it reads it."""
    return write_node(folder, f"node-{spec.uuid}.xml", domains=(domain_xml(spec, hypervisor_for("TEST")),))


def inhabit(connection: Connection, spec: InstanceSpec) -> None:
    """Define and start the instance on a host that is shared."""
    connection.defineXML(domain_xml(spec, hypervisor_of(connection))).create()
