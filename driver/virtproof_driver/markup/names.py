"""The XML names that are ours: namespaces, their prefix, and the element names inside them.

What belongs here: constants that stored domain XML depends on, so they never change meaning; a new layout gets a new
namespace. What does not: how the elements are written and read (`record`, `rescue`).
"""

PREFIX = "virtproof"
INSTANCE_NS = "urn:virtproof:instance:1"
RESCUE_NS = "urn:virtproof:rescue:1"
OWN_NAMESPACES = frozenset({INSTANCE_NS, RESCUE_NS})
