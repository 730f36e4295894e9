"""Events, purely: what libvirt's numbers mean, which changes are news, and what an outage hid."""

from virtproof_driver.events.fold import Known, fold
from virtproof_driver.events.notices import NOTICE_IDS, RawNotice, notice_of
from virtproof_driver.events.resync import Found, Reading, compare
from virtproof_driver.events.table import RawChange, RawEvent, change_of
from virtproof_driver.events.world import World

__all__ = [
    "NOTICE_IDS",
    "Found",
    "Known",
    "RawChange",
    "RawEvent",
    "RawNotice",
    "Reading",
    "World",
    "change_of",
    "compare",
    "fold",
    "notice_of",
]
