"""Pages of the site that lie outside `docs` in the checkout, and links to them; MkDocs calls this."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "config/README.md", "benchmarks/results/*.md")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, under the paths that they have in the checkout."""
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files of the checkout into links between pages; what is no page keeps its text alone."""
    place = page.file.src_uri
    inside = (ROOT / "docs" / place).is_file()
    here = (Path("docs") / place if inside else Path(place)).parent
    depth = place.count("/")

    def linked(match: re.Match[str]) -> str:
        target = _normal(here / match[1])
        name = target.removeprefix("docs/")
        if files.get_file_from_path(name) is None:
            return f"]({match[1]}{match[2] or ''})" if inside and (ROOT / target).is_relative_to(ROOT / "docs") else "]"
        return f"]({'../' * depth}{name}{match[2] or ''})"

    return LINK.sub(linked, markdown)


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
