"""How docs/build makes a site of the repository's Markdown: docs/, and the READMEs that it links.

The pages are plain Markdown for a forge. What a site needs in addition is derived from them here: the navigation from the lists of
docs/README.md; links to the headers and to src/lib.rs lead to their manuals; links to directories, which a forge can show,
lead to the README in them. A link to anything that is not there, or to a heading that is not there, is a warning, and docs/build
takes warnings as errors.
"""

import posixpath
import re
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).parents[2]

project = "peer_manager"
version = release = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
copyright = "the authors of peer_manager"
html_show_copyright = False
html_title = f"peer_manager {version}"

extensions = ["myst_parser"]
root_doc = "docs/README"
# Anchors as a forge makes them, down to this level.
myst_heading_anchors = 4
# Excerpts of programs with an ellipsis are no programs.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_show_sourcelink = False
html_copy_source = False

# Where what is generated lies in the site; docs/build puts it there.
MANUALS = {
    "include/peer_manager.h": "manual/peer__manager_8h.html",
    "include/peer_manager.hpp": "manual/peer__manager_8hpp.html",
    "src/lib.rs": "rust/peer_manager/index.html",
}


def files_in_git():
    """Every file that is tracked, or new and not ignored: not what a build has left."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return names.splitlines()


FILES = set(files_in_git())
DIRECTORIES = {parent.as_posix() for name in FILES for parent in Path(name).parents}
include_patterns = sorted(name for name in FILES if name.endswith(".md"))
exclude_patterns = ["target", "**/target", "**/build", "**/node_modules", ".git"]

LINK = re.compile(r"\]\(([^)#]+\.md)\)")


def navigation(index):
    """The lists of docs/README.md as tables of contents, and a last one of every other page."""
    toctrees, linked = [], {"docs/README"}
    for chapter in re.split(r"^(?=\*\*)", index, flags=re.MULTILINE)[1:]:
        caption = re.match(r"\*\*(.*)\*\*", chapter)[1]
        names = [posixpath.normpath(posixpath.join("docs", name)).removesuffix(".md") for name in LINK.findall(chapter)]
        toctrees.append((caption, names))
        linked.update(names)
    toctrees.append(("In the repository", [name.removesuffix(".md") for name in include_patterns if name.removesuffix(".md") not in linked]))
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "".join(f"/{name}\n" for name in names) + "```\n"
        for caption, names in toctrees
    )


def add_navigation(_app, docname, source):
    if docname == root_doc:
        source[0] += navigation(source[0])


class Destinations(SphinxTransform):
    """What links to headers and directories lead to in the site."""

    default_priority = 4  # Before Sphinx copies the files that are linked.

    def apply(self):
        docname = self.env.docname
        directory = posixpath.dirname(docname)
        for link in list(self.document.findall(addnodes.download_reference)):
            target = posixpath.normpath(posixpath.join(directory, link["reftarget"]))
            if target in MANUALS:
                page = posixpath.relpath(MANUALS[target], directory or ".")
                link.replace_self(nodes.reference("", "", *link.children, refuri=page, internal=True))
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = posixpath.normpath(posixpath.join(directory, link["reftarget"]))
            if link["reftype"] != "myst" or target not in DIRECTORIES:
                continue
            if f"{target}/README.md" in FILES:
                page = posixpath.relpath(f"{target}/README.html", directory or ".")
                link.replace_self(nodes.reference("", "", *link.children, refuri=page, internal=True))
            else:
                link.replace_self(link.children)


def setup(app):
    app.connect("source-read", add_navigation)
    app.add_transform(Destinations)
    return {"parallel_read_safe": True}
