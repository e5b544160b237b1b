"""A written page, and its text to look into."""

from html.parser import HTMLParser

from made_run import Run

from camfuse.report.page import write_report
from camfuse.run.layout import Run as RunFiles


class Text(HTMLParser):
    """The page's elements and its text by section."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {"": ""}
        self._section = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
            self.sections[self._section] = ""

    def handle_data(self, data: str) -> None:
        self.sections[self._section] += f" {data.strip()}" if data.strip() else ""


def written(run: Run) -> str:
    write_report(RunFiles(run.config), run.page)
    return run.page.read_text(encoding="utf-8")
