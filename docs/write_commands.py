"""Write docs/commands.md: every sub-command with its arguments and options, out of the program itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from camfuse.cli import app

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Commands

Written by `python docs/write_commands.py`; `camfuse COMMAND --help` says the same. A user's mistake ends a
command with one message and exit code 2, a bug with its traceback and 1.
"""


def page() -> str:
    """Return the whole page."""
    program = typer.main.get_command(app)
    commands: dict[str, Any] = program.commands  # type: ignore[attr-defined]
    return "\n".join([HEAD, *(line for name in sorted(commands) for line in section(name, commands[name]))])


def section(name: str, command: Any) -> Iterator[str]:
    """Give the lines of a sub-command."""
    shown = [one for one in command.params if not one.hidden and one.name != "help"]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    yield f"## camfuse {name}\n"
    yield f"    camfuse {' '.join([name, *map(_usage, arguments), '[OPTIONS]'])}\n"
    yield f"{' '.join((command.help or '').split())}\n"
    if shown:
        yield "| | default | |"
        yield "|---|---|---|"
        yield from (f"| {_names(one)} | {_default(one)} | {_cell(one.help or '')} |" for one in shown)
        yield ""


def _usage(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper() + (
        "..." if argument.nargs == -1 and not argument.metavar else ""
    )
    return word if argument.required or argument.metavar else f"[{word}]"


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{_cell(_usage(one))}`"
    return ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))


def _default(one: Any) -> str:
    if one.required:
        return "required"
    value = one.default() if callable(one.default) else one.default
    return f"`{value}`" if value not in (None, False, (), []) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
