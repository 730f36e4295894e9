"""Secret XML: a spec read back is the spec, and libvirt's schema takes it; what libvirt printed is read."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from virtproof_driver.markup.secret import parse_secret, secret_xml
from virtproof_driver.spec import SecretKind, SecretSpec
from virtproof_driver.storage_validation import validate_secret

SCHEMAS = Path("/usr/share/libvirt/schemas")
ONE = UUID(int=1)
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1)
SECRETS = st.builds(
    SecretSpec,
    uuid=st.uuids(),
    description=TEXT | st.none(),
    private=st.booleans(),
    ephemeral=st.booleans(),
    usage=TEXT,
    kind=st.sampled_from(SecretKind),
)


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(SCHEMAS / "secret.rng"))


@given(spec=SECRETS)
@example(spec=SecretSpec(uuid=ONE))
@settings(deadline=None)
def test_a_secret_reads_back(spec: SecretSpec) -> None:
    validate_secret(spec)
    assert parse_secret(secret_xml(spec)) == spec


@pytest.mark.parametrize("kind", SecretKind)
def test_the_schema_takes_every_kind(schema: etree.RelaxNG, kind: SecretKind) -> None:
    usage = "/some/volume" if kind is SecretKind.VOLUME else "client.admin"
    spec = SecretSpec(uuid=ONE, usage=usage, kind=kind, description="<&>")
    schema.assertValid(etree.fromstring(secret_xml(spec)))


def test_what_libvirt_prints_without_a_usage_is_read() -> None:
    printed = f"<secret ephemeral='no' private='no'>\n  <uuid>{ONE}</uuid>\n</secret>\n"
    assert parse_secret(printed) == SecretSpec(uuid=ONE, private=False)
