"""How the user guide is built: Sphinx with MyST's Markdown, no network and no theme beyond Sphinx's own.

What belongs here: Sphinx's settings. What does not: any text of the guide.
"""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "virtproof"
author = "the virtproof authors"
project_copyright = author
version = release = version_of("virtproof")

extensions = ["myst_parser", "sphinx.ext.autodoc", "generated_tables"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "separated"

html_theme = "alabaster"
html_theme_options = {
    "description": "Does this libvirt driver, on this hypervisor, behave?",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "show_powered_by": False,
}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wide-tables.css"]
