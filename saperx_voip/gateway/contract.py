"""The assumed contract as data, and where an answer differs from it.

Holds no wire name: all of them stand in ``saperx_v2.openapi.yaml``.
"""

import enum
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .masking import shape

FILE = Path(__file__).with_name("saperx_v2.openapi.yaml")
JSON_TYPE = "application/json"

_URI = "urn:contract"
_METHODS = ("get", "post", "put", "delete")
_SIZES = frozenset(
    ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
)
# A word of an enumeration tells of nobody; anything longer might.
_WORD = re.compile(r"[A-Za-z_]{1,20}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]*[0-9]{0,2}", re.ASCII)


class Difference(enum.StrEnum):
    """In what an answer's content differs."""

    MISSING = "missing"
    EXTRA = "extra"
    KIND = "kind"
    FORM = "form"
    WORD = "word"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Found:
    """One difference, at one place of one answer."""

    difference: Difference
    place: str
    """E.g. ``data[].dids[].valor``."""
    indexes: tuple[int, ...]
    """Of the elements in which the place lies, outermost first."""
    expected: str
    """Kinds, words or examples, parted by ``|``."""
    shape: str
    """What stands there, masked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The objects of an answer."""

    objects: Counter[str]
    """How many there were, by place."""
    members: Counter[str]
    """How many of them had it, by the place of each field that the contract names."""


class Contract:
    """:param document: of OpenAPI 3.1, whose schemas are those of JSON Schema"""

    def __init__(self, document: dict):
        self._document = document
        resource = DRAFT202012.create_resource(document)
        self._registry = Registry().with_resource(_URI, resource)
        self._resolver = self._registry.resolver(_URI)
        self.version: str = document["info"]["version"]

    def operations(self) -> list[tuple[str, str]]:
        """Method and path, in the order of the file."""
        return [
            (method.upper(), path)
            for path, item in self._document["paths"].items()
            for method in item
            if method in _METHODS
        ]

    def compare(self, path: str, status: int, value) -> tuple[list[Found], Seen] | None:
        """The content of an answer to a ``GET`` with what the contract says of it.

        :param path: with its braces
        :param value: parsed JSON
        :return: None if the contract knows no content of that status
        """
        schema = self._find_schema(path, status)
        if schema is None:
            return None
        found = [
            one
            for error in self._get_validator(path, status).iter_errors(value)
            for one in _of_error(error)
        ]
        seen = Seen(Counter(), Counter())
        found.extend(self._extras(schema, value, "", (), seen))
        return list(dict.fromkeys(found)), seen

    @cache  # noqa: B019  one contract lives as long as the process
    def _get_validator(self, path, status):
        reference = f"{_URI}{self._find_pointer(path, status)}"
        return Draft202012Validator({"$ref": reference}, registry=self._registry)

    def _find_pointer(self, path, status):
        """:return: a reference to the schema of an answer's content, or None"""
        responses = self._document["paths"][path]["get"]["responses"]
        response = responses.get(str(status), {})
        pointer = response.get("$ref") or _pointer(
            "paths", path, "get", "responses", str(status)
        )
        if JSON_TYPE not in self._resolve(response).get("content", {}):
            return None
        return f"{pointer}{_pointer('content', JSON_TYPE, 'schema')[1:]}"

    def _find_schema(self, path, status):
        pointer = self._find_pointer(path, status)
        return pointer and self._resolver.lookup(pointer).contents

    def _resolve(self, schema):
        while "$ref" in schema:
            schema = self._resolver.lookup(schema["$ref"]).contents
        return schema

    def _extras(self, schema, value, place, indexes, seen) -> Iterator[Found]:
        """Fields that the contract does not name, which it allows."""
        if isinstance(value, list):
            for items in self._parts(schema, "items"):
                for index, one in enumerate(value):
                    yield from self._extras(
                        items, one, f"{place}[]", (*indexes, index), seen
                    )
        if not isinstance(value, dict):
            return
        named = {}
        for properties in self._parts(schema, "properties"):
            named |= properties
        if not named:
            return
        seen.objects[place] += 1
        for name, one in value.items():
            inner = _within(place, name)
            if name in named:
                seen.members[inner] += 1
                yield from self._extras(named[name], one, inner, indexes, seen)
            else:
                yield Found(Difference.EXTRA, inner, indexes, "", shape(one))

    def _parts(self, schema, keyword) -> Iterator[dict]:
        """What a schema, and those that it is made of, say by a keyword."""
        schema = self._resolve(schema)
        if keyword in schema:
            yield schema[keyword]
        for one in (*schema.get("allOf", ()), *schema.get("oneOf", ())):
            yield from self._parts(one, keyword)

    def named(self, path: str, place: str) -> list[str]:
        """The fields that the contract names for the objects at a place of an answer
        of 200, but those that are only ever written."""
        schemas = [self._find_schema(path, 200) or {}]
        for name in place.split(".") if place else ():
            name, *lists = name.split("[]")
            if name:
                schemas = [
                    properties[name]
                    for schema in schemas
                    for properties in self._parts(schema, "properties")
                    if name in properties
                ]
            for _list in lists:
                schemas = [i for s in schemas for i in self._parts(s, "items")]
        return [
            name
            for schema in schemas
            for properties in self._parts(schema, "properties")
            for name, one in properties.items()
            if not one.get("writeOnly")
        ]


@cache
def load() -> Contract:
    """The contract that the addon was written against."""
    return Contract(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _pointer(*steps) -> str:
    """Of JSON, into the document."""
    escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
    return "".join(["#", *(f"/{step}" for step in escaped)])


def _of_error(error) -> Iterator[Found]:
    schema, value = error.schema, error.instance
    place, indexes = _place(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in value:
                yield Found(Difference.MISSING, _within(place, name), indexes, "", "")
        return
    if error.validator in ("oneOf", "anyOf"):
        yield _of_alternatives(error, place, indexes)
        return
    found = shape(value)
    if error.validator in ("enum", "const"):
        words = error.validator_value
        words = words if isinstance(words, list) else [words]
        if not isinstance(value, str):
            difference, expected = Difference.KIND, "string"
        else:
            difference, expected = Difference.WORD, "|".join(map(str, words))
            found = f'"{value}"' if _WORD.fullmatch(value) else found
    elif error.validator == "type":
        difference, expected = Difference.KIND, _kinds(schema)
    elif error.validator in _SIZES:
        difference = Difference.SIZE
        expected = f"{error.validator} {error.validator_value}"
    else:
        difference, expected = Difference.FORM, _form(schema)
    yield Found(difference, place, indexes, expected, found)


def _of_alternatives(error, place, indexes) -> Found:
    """Of the right kind in another form, rather than of another kind."""
    leaves = list(_leaves(error))
    forms = [leaf for leaf in leaves if leaf.validator != "type"]
    if forms and not _is_number_as_text(error.instance, leaves):
        expected = "|".join(_form(leaf.schema) for leaf in forms)
        difference = Difference.FORM
    else:
        kinds = (_kinds(leaf.schema) for leaf in leaves if leaf.validator == "type")
        expected = "|".join(dict.fromkeys(kinds))
        difference = Difference.KIND
    return Found(difference, place, indexes, expected, shape(error.instance))


def _is_number_as_text(value, leaves) -> bool:
    kinds = {_kinds(leaf.schema) for leaf in leaves if leaf.validator == "type"}
    return isinstance(value, str) and value.isdigit() and "integer" in kinds


def _leaves(error):
    if not error.context:
        yield error
    for one in error.context:
        yield from _leaves(one)


def _kinds(schema) -> str:
    kinds = schema.get("type", "")
    return "|".join(kinds) if isinstance(kinds, list) else kinds


def _form(schema) -> str:
    return "|".join(schema.get("examples") or [schema.get("pattern", "")])


def _place(path) -> tuple[str, tuple[int, ...]]:
    place, indexes = "", []
    for step in path:
        if isinstance(step, int):
            place += "[]"
            indexes.append(step)
        else:
            place = _within(place, step)
    return place, tuple(indexes)


def _within(place, name) -> str:
    """A name may be anything, also a number or somebody's name."""
    name = name if _NAME.fullmatch(name) else shape(name)
    return f"{place}.{name}" if place else name
