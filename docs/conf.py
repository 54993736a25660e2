"""The documentation site: `make docs` builds it from these pages, and the API reference from the schema."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Tutti"
html_title = "Tutti"
html_theme = "furo"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"source_repository": "", "top_of_page_buttons": []}
extensions = ["myst_parser", "api_reference"]
myst_heading_anchors = 4
myst_enable_extensions = ["fieldlist", "attrs_inline"]
# The schema's words for code; no lexer of Pygments knows JSON with dots in it, as examples have.
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]
# The whole repository is the source, so that pages may lead to any other as they do where they are read as files.
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "clients/*/README.md"]
exclude_patterns = ["**/node_modules", ".venv", "docs/site"]
