"""The host's events by situation: from the evidence of runs to a table, and the answer which libvirt drivers events can drive."""

from virtproof.traces.answers import Answer, Change, answer
from virtproof.traces.counting import LaneSightings, add, lanes_of, table_of
from virtproof.traces.model import Column, ColumnKey, Seen, Sighting, Situation, Table, Trace
from virtproof.traces.news import News, news

__all__ = [
    "Answer",
    "Change",
    "Column",
    "ColumnKey",
    "LaneSightings",
    "News",
    "Seen",
    "Sighting",
    "Situation",
    "Table",
    "Trace",
    "add",
    "answer",
    "lanes_of",
    "news",
    "table_of",
]
