"""Matching knows nothing of Odoo."""

import ast
import sys
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "saperx_voip/adoption").glob("*.py"))
MAY_IMPORT = {*sys.stdlib_module_names, "phonenumbers", "rapidfuzz"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_imports_only_itself_its_libraries_and_the_standard_library(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            assert name.split(".")[0] in MAY_IMPORT
