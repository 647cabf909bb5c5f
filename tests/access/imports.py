"""What a module imports, read from its text."""

import ast
from pathlib import Path


def imported(file: Path) -> list[str]:
    """The names of the modules that a file imports."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [
        name
        for node in nodes
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
