"""Title, description and metadata elements of an instance, and whether it starts with its host.

What belongs here: what describes an instance without changing how it runs. What does not: its size (`resize`), and the driver's
own metadata elements, which callers can neither change nor remove: destroy and unrescue depend on them.
"""

from collections.abc import Callable
from uuid import UUID

from virtproof_driver.constants import Affect, MetadataType
from virtproof_driver.errors import InvalidSpec, InvalidState, MetadataNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.metadata import canonical
from virtproof_driver.markup.names import OWN_NAMESPACES
from virtproof_driver.operations.inventory import instance
from virtproof_driver.spec import MetadataElement
from virtproof_driver.validation import validate_description, validate_metadata, validate_title


def set_title(link: Link, uuid: UUID, title: str | None) -> None:
    """Set the title, or with None remove it."""
    validate_title(title)
    domain = link.domain(uuid)
    _set(link, uuid, lambda flags: link.call(domain.setMetadata, MetadataType.TITLE, title, None, None, flags))


def set_description(link: Link, uuid: UUID, description: str | None) -> None:
    """Set the description, or with None remove it."""
    validate_description(description)
    domain = link.domain(uuid)
    _set(link, uuid, lambda flags: link.call(domain.setMetadata, MetadataType.DESCRIPTION, description, None, None, flags))


def metadata(link: Link, uuid: UUID, uri: str) -> str:
    """Read the element of one namespace, in canonical form: libvirt lays it out anew (9.0.0). Raises MetadataNotFound."""
    domain = link.domain(uuid)
    try:
        return canonical(link.call(domain.metadata, MetadataType.ELEMENT, uri, Affect.CURRENT))
    except MetadataNotFound as error:
        raise MetadataNotFound(uri, f"in instance {uuid}") from error


def set_metadata(link: Link, uuid: UUID, element: MetadataElement) -> None:
    """Set or replace the element of its namespace, in the running instance and in its definition."""
    validate_metadata(element)
    domain, xml = link.domain(uuid), canonical(element.xml)
    _set(
        link,
        uuid,
        lambda flags: link.call(domain.setMetadata, MetadataType.ELEMENT, xml, element.prefix, element.uri, flags),
    )


def remove_metadata(link: Link, uuid: UUID, uri: str) -> None:
    """Remove the element of one namespace. Raises MetadataNotFound: libvirt would remove nothing and say 0."""
    if uri in OWN_NAMESPACES:
        raise InvalidSpec("uri", f"{uri!r} holds the driver's own notes, which destroy and unrescue need")
    metadata(link, uuid, uri)
    domain = link.domain(uuid)
    _set(link, uuid, lambda flags: link.call(domain.setMetadata, MetadataType.ELEMENT, None, None, uri, flags))


def autostart(link: Link, uuid: UUID) -> bool:
    """Read whether the host starts the instance when it boots."""
    return bool(link.call(link.domain(uuid).autostart))


def set_autostart(link: Link, uuid: UUID, *, enabled: bool) -> None:
    """Change whether the host starts the instance when it boots."""
    link.call(link.domain(uuid).setAutostart, int(enabled))


def _set(link: Link, uuid: UUID, change: Callable[[Affect], object]) -> None:
    """Change the definition, and the running domain where there is one.

    libvirt's own default changes a running domain only until it stops, and refuses to change one that is off as if it ran.
    The state is read, because changing the definition alone would succeed though the newest event lags behind a start.
    """
    before = instance(link, uuid).state
    try:
        change(_affect(active=before.active))
    except InvalidState:  # it was stopped meanwhile
        now = instance(link, uuid).state
        if now.active == before.active:
            raise
        change(_affect(active=now.active))


def _affect(*, active: bool) -> Affect:
    return Affect.LIVE | Affect.CONFIG if active else Affect.CONFIG
