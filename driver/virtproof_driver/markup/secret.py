"""Secrets: specs to libvirt's XML and back.

What belongs here: `<secret>`. What does not: a secret's value, which is in no XML. Format: https://libvirt.org/formatsecret.html.
"""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID
from xml.etree.ElementTree import Element

from virtproof_driver.markup import tree
from virtproof_driver.spec import SecretKind, SecretSpec

USAGE_ELEMENTS: Mapping[SecretKind, str] = MappingProxyType(
    {
        SecretKind.VOLUME: "volume",
        SecretKind.CEPH: "name",
        SecretKind.ISCSI: "target",
        SecretKind.TLS: "name",
        SecretKind.VTPM: "name",
    }
)


def secret_xml(spec: SecretSpec) -> str:
    """The XML to define `spec` with."""
    root = Element("secret", ephemeral=_word(spec.ephemeral), private=_word(spec.private))
    tree.add(root, "uuid", str(spec.uuid))
    if spec.description is not None:
        tree.add(root, "description", spec.description)
    if spec.usage is not None:
        tree.add(tree.add(root, "usage", type=spec.kind.value), USAGE_ELEMENTS[spec.kind], spec.usage)
    return tree.text_of(root)


def parse_secret(xml: str) -> SecretSpec:
    """The spec of a secret. Raises tree.NotWellFormed, and ValueError for a kind that a spec has no word for."""
    root = tree.parse(xml)
    kind = SecretKind(tree.find_attribute(root, "usage", "type") or SecretKind.VOLUME.value)
    return SecretSpec(
        uuid=UUID(tree.find_text(root, "uuid")),
        usage=tree.find_text(root, f"usage/{USAGE_ELEMENTS[kind]}"),
        kind=kind,
        description=tree.find_text(root, "description"),
        private=root.get("private") == "yes",
        ephemeral=root.get("ephemeral") == "yes",
    )


def _word(flag: bool) -> str:  # noqa: FBT001 - the flag is all that it takes
    return "yes" if flag else "no"
