"""The pure packages know nothing of Odoo, and rating no binary float of money."""

import ast
import sys
from pathlib import Path

import pytest

ADDON = Path(__file__).parents[1] / "saperx_voip"
LIBRARIES = {
    "adoption": {"phonenumbers", "rapidfuzz"},
    "gateway": {"jsonschema", "msgspec", "referencing", "requests", "urllib3", "yaml"},
    "overdue": {"holidays"},
    "rate_file": {"openpyxl"},
    "rating": set(),
    "schedule": {"cronsim"},
    "sentinel": set(),
    "statement": {"reportlab", "xlsxwriter"},
}
SOURCES = [
    source for package in LIBRARIES for source in sorted((ADDON / package).glob("*.py"))
]


def name_of(source):
    return f"{source.parent.name}/{source.name}"


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_imports_only_itself_its_libraries_and_the_standard_library(source):
    may_import = {*sys.stdlib_module_names, *LIBRARIES[source.parent.name]}
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            assert name.split(".")[0] in may_import


@pytest.mark.parametrize("source", sorted((ADDON / "rating").glob("*.py")), ids=name_of)
def test_rating_holds_no_float(source):
    for node in ast.walk(ast.parse(source.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.Name) and node.id == "float")
