"""The table of bad inputs and what becomes of each, out of the tests that say so with the mark `bad_input`.

``python tests/bad_inputs.py`` writes it.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "bad_inputs.md"
HEAD = """# Bad input, and what becomes of it

Made by `python tests/bad_inputs.py` from the tests that are named; each row is what its test checks. "Refused" is one
message that says what was expected, what found, and exit code 2; "left out" is a clip that all later stages lack and
that metrics and report name with its reason (`bad_clips: skip`; with `stop` its shard waits for you, the others go on).

| you give | what becomes of it | test |
|---|---|---|
"""


def rows() -> list[tuple[str, str, str]]:
    """Return what is given, what becomes of it, and the test, of every mark, in the order of the tests' files."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.bad_input(" not in text:
            continue
        for function in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.bad_input":
                    given, outcome = (ast.literal_eval(argument) for argument in mark.args)
                    found.append((given, outcome, f"{path.relative_to(ROOT / 'tests').as_posix()}::{function.name}"))
    return found


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(f"| {given} | {outcome} | `{test}` |\n" for given, outcome, test in rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
