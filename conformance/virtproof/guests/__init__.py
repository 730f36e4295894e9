"""What the lanes run: boot-sector programs for machines and a busybox root for containers, as sources and as bytes."""

from virtproof.guests.catalogue import GUESTS, IMAGE_BYTES, UP_BYTES, Guest, image
from virtproof.guests.upload import upload

__all__ = ["GUESTS", "IMAGE_BYTES", "UP_BYTES", "Guest", "image", "upload"]
