"""The recipe's digest and its build context: the same for the same files, another for any change."""

import io
import tarfile
from dataclasses import replace

import pytest

from virtproof.lanes.containers.recipe import Recipe, shipped_recipe

RECIPE = Recipe(suite="trixie", files={"Dockerfile": b"FROM x\n", "entry": b"#!/bin/sh\n"})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(RECIPE, suite="sid"), id="suite"),
        pytest.param(replace(RECIPE, files={**RECIPE.files, "entry": b"#!/bin/sh\n\n"}), id="content"),
        pytest.param(replace(RECIPE, files={**RECIPE.files, "more": b""}), id="one more"),
        pytest.param(replace(RECIPE, files={"Dockerfile": b"FROM x\n", "entry2": b"#!/bin/sh\n"}), id="name"),
        pytest.param(replace(RECIPE, files={"Dockerfile": b"FROM x\nentry", "": b"#!/bin/sh\n"}), id="moved boundary"),
    ],
)
def test_every_change_is_another_image(changed: Recipe) -> None:
    assert changed.digest != RECIPE.digest
    assert changed.tag != RECIPE.tag


def test_the_order_of_the_files_means_nothing() -> None:
    turned = replace(RECIPE, files=dict(sorted(RECIPE.files.items(), reverse=True)))
    assert (turned.tag, turned.context()) == (RECIPE.tag, RECIPE.context())


def test_the_tag_says_which_suite() -> None:
    assert RECIPE.tag == f"virtproof-host:trixie-{RECIPE.digest}"
    assert RECIPE.base == "virtproof-base:trixie"
    assert len(RECIPE.digest) == 12


def test_the_context_has_every_file_and_scripts_can_run() -> None:
    with tarfile.open(fileobj=io.BytesIO(RECIPE.context())) as tar:
        assert tar.getnames() == ["Dockerfile", "entry"]
        assert tar.getmember("entry").mode == 0o755


def test_what_ships_is_whole() -> None:
    recipe = shipped_recipe()
    assert recipe.suite == "trixie"
    assert {"Dockerfile", "entry", "kvm-runs", "libvirtd.conf", "qemu.conf"} <= recipe.files.keys()
    named = recipe.files["Dockerfile"].decode()
    copied = [word for line in named.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]]
    assert set(copied) <= recipe.files.keys()


def test_what_ships_is_another_recipe_for_each_suite() -> None:
    assert shipped_recipe("bookworm").suite == "bookworm"
    assert shipped_recipe("bookworm").files == shipped_recipe().files
    assert shipped_recipe("bookworm").digest != shipped_recipe().digest
