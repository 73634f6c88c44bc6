"""Makes the site of the documents; 'make docs' calls Sphinx with it. Any warning is an error, a broken link or anchor too."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

project = "Impromptu"
copyright = "the authors of Impromptu, Apache License 2.0"
release = re.search(r'buildVersion = "(.+)"', (ROOT / "Sources/RunLog/Program+Running.swift").read_text())[1]
extensions = ["myst_parser"]
exclude_patterns = ["site", "experiments/results", "make.py"]
# Titles have the anchors that other viewers of Markdown give them.
myst_heading_anchors = 4
# Commands and options are typed as they stand.
smartquotes = False
highlight_language = "none"
# Pygments knows no key paths of Swift; it then colours what it can.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Impromptu {release}"
html_static_path = ["../images", "style.css"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {"color-brand-primary": "#7db8e0", "color-brand-content": "#7db8e0"},
}


def read_beside(app, name, source):
    """The first page is the README, which links from the root of the repository."""
    # A figure and its deviation stay on one line.
    source[0] = re.sub(r"(?<=\d) ± (?=\d)", "\u00a0±\u00a0", source[0].replace("](../README.md", "](index.md"))
    if name != "index":
        return
    text = (ROOT / "README.md").read_text()
    text = text.replace('="docs/images/', '="_static/').replace("](docs/decisions)", "](decisions/index.md)")
    text = text.replace("](CONTRIBUTING.md)", "](contributing.md)").replace("](docs/", "](")
    source[0] = text + "\n" + source[0]


def setup(app):
    app.connect("source-read", read_beside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
