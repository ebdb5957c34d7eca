"""Follows every relative link of the pages of a site: check.py SITE WITH-MANUALS

Sphinx has checked what the Markdown says. This looks at what came out: at the links that conf.py has made, the files that were copied,
and the fragments. The generated manuals are followed into, but not checked themselves.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name"):
                self.anchors.add(value)


def main(site, with_manuals):
    root = Path(site).resolve()
    pages, dead, count = {}, set(), 0

    def page(path):
        if path not in pages:
            pages[path] = Page(path.read_text())
        return pages[path]

    for path in sorted(root.rglob("*.html")):
        within = path.relative_to(root)
        if within.parts[0] in ("manual", "rust", "_static"):
            continue
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue  # of another site
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not with_manuals and target.relative_to(root).parts[:1] in (("manual",), ("rust",)):
                continue
            count += 1
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                dead.add(f"{within}: {link} is not there")
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).anchors:
                dead.add(f"{within}: {link} has no such anchor")
    for line in sorted(dead):
        print(line, file=sys.stderr)
    print(f"{count} links, {len(dead)} of them dead")
    return 1 if dead or not count else 0


sys.exit(main(sys.argv[1], sys.argv[2] == "1"))
