"""Booting an instance from another image, with its own disks beside it, and back.

What belongs here: rescue and unrescue, and the refusal of what they would undo. What does not: how the domain's XML changes
(`markup.rescue`).
"""

from uuid import UUID

from virtproof_driver.errors import InvalidState
from virtproof_driver.link import Link
from virtproof_driver.markup.rescue import is_rescued, rescued, unrescued
from virtproof_driver.operations.executing import execute
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.operations.lifecycle import has_managed_save
from virtproof_driver.plans import reboot_into_plan
from virtproof_driver.spec import RescueImage
from virtproof_driver.validation import validate_rescue_image
from virtproof_driver.values import Instance


def rescue(link: Link, uuid: UUID, image: RescueImage) -> Instance:
    """Force the instance off and start it from the image. Where that fails it is as before, and runs again if it ran."""
    validate_rescue_image(image)
    xml = inactive_xml(link, uuid, secrets=True)
    if is_rescued(xml):
        raise InvalidState(f"instance {uuid} is rescued already; unrescue it first")
    return _reboot_into(link, uuid, xml, rescued(xml, image))


def unrescue(link: Link, uuid: UUID) -> Instance:
    """Force the instance off and start it from its own disks."""
    xml = inactive_xml(link, uuid, secrets=True)
    if not is_rescued(xml):
        raise InvalidState(f"instance {uuid} is not rescued")
    return _reboot_into(link, uuid, xml, unrescued(xml))


def refuse_rescued(uuid: UUID, xml: str) -> None:
    """Raise InvalidState for the definition of a rescued instance: unrescue brings back the disks as they were before."""
    if is_rescued(xml):
        raise InvalidState(f"instance {uuid} is rescued; unrescue it first")


def _reboot_into(link: Link, uuid: UUID, old_xml: str, new_xml: str) -> Instance:
    found = instance(link, uuid)
    if has_managed_save(link, uuid):  # restoring it would bring back the devices it was saved with
        raise InvalidState(f"instance {found.name!r} ({uuid}) has a managed save; resume it first")
    execute(link, reboot_into_plan(uuid, old_xml=old_xml, new_xml=new_xml, active=found.state.active))
    return instance(link, uuid)
