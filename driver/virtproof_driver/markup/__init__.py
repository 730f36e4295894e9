"""Specs and values to libvirt's XML and back: one module a kind of document. Pure: no module here does input or output."""
