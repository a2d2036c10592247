"""Every error that is raised on purpose says what was expected, what was found, what to do."""

import ast
from pathlib import Path

import mixednoise

ROOT = Path(mixednoise.__file__).parent
OURS = {"DataError", "ConfigError", "RunError", "TrainingError"}
PARTS = {"expected", "found", "fix"}
#: Several findings in one error: each of them says all of it.
SEVERAL = "data/report.py"


def test_every_error_says_all_that_it_has_to():
    lacking, seen = [], 0
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in OURS:
                seen += 1
                parts = {keyword.arg for keyword in node.keywords}
                if not parts >= PARTS and path != ROOT / SEVERAL:
                    lacking.append(f"{path}, line {node.lineno}: {', '.join(PARTS - parts)}")
    assert seen > 100
    assert not lacking, "\n".join(lacking)
