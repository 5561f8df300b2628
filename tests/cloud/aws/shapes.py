# SPDX-License-Identifier: Apache-2.0
"""The input of each operation: types, limits, and the service's complaints.

A wrong JSON type is a SerializationException, a value out of bounds one of
the problems of a ValidationException. Unknown members are ignored.
"""

import base64
import binascii
import json
from dataclasses import dataclass

from .errors import AwsError, validation


@dataclass(frozen=True)
class Field:
    required: bool = False
    min: int = None
    max: int = None
    enum: tuple = ()

    def parse(self, value):
        """The JSON value as Python wants it, or SerializationException."""
        raise NotImplementedError

    def problems(self, name, value):
        """What is wrong with a parsed value: a list of texts."""
        where = name[0].lower() + name[1:]
        if value is None:
            return self._missing(where)
        size, what = self.measure(value)
        label = self.label(value, where)
        if self.min is not None and size < self.min:
            return [f"{label} failed to satisfy constraint: Member must have "
                    f"{what} greater than or equal to {self.min}"]
        if self.max is not None and size > self.max:
            return [f"{label} failed to satisfy constraint: Member must have "
                    f"{what} less than or equal to {self.max}"]
        if self.enum and value not in self.enum:
            return [f"{label} failed to satisfy constraint: Member must "
                    f"satisfy enum value set: [{', '.join(self.enum)}]"]
        return []

    def _missing(self, where):
        if not self.required:
            return []
        return [f"Value null at '{where}' failed to satisfy constraint: "
                "Member must not be null"]

    def measure(self, value):
        return len(value), "length"

    def label(self, value, where):
        return f"Value '{value}' at '{where}'"


class Text(Field):
    def parse(self, value):
        if not isinstance(value, str):
            raise wrong_type("STRING", value)
        return value


class Blob(Field):
    def parse(self, value):
        if not isinstance(value, str):
            raise wrong_type("BLOB", value)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise AwsError("SerializationException",
                           "Invalid base64 data") from None

    def label(self, value, where):
        return f"Value at '{where}'"    # the service shows no bytes either


class Number(Field):
    def parse(self, value):
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type("INTEGER", value)
        return value

    def measure(self, value):
        return value, "value"


class Flag(Field):
    def parse(self, value):
        if not isinstance(value, bool):
            raise wrong_type("BOOLEAN", value)
        return value

    def problems(self, name, value):
        return []


class TextList(Field):
    def parse(self, value):
        if not isinstance(value, list):
            raise wrong_type("LIST", value)
        return [Text().parse(each) for each in value]


class Context(Field):
    """An encryption context. Other scalars than strings become strings."""

    def parse(self, value):
        if not isinstance(value, dict):
            raise wrong_type("MAP", value)
        return {name: self._text(each) for name, each in value.items()}

    @staticmethod
    def _text(value):
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, (list, dict)):
            raise wrong_type("STRING", value)
        return json.dumps(value)


def wrong_type(wanted, value):
    names = {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE",
             bool: "TRUE_VALUE", type(None): "NULL_VALUE"}
    found = names.get(type(value), "NUMBER_VALUE")
    return AwsError("SerializationException",
                    f"{found} can not be converted to {wanted}")


def parse_json(body):
    """The request body as an object; nothing but one object will do."""
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise AwsError("SerializationException") from None
    if not isinstance(document, dict):
        raise AwsError("SerializationException",
                       "Start of structure or map expected")
    return document


def check(shape, document):
    """Parses and checks a request; absent members are None in the result."""
    arguments = {}
    for name, field in shape.items():
        value = document.get(name)
        arguments[name] = None if value is None else field.parse(value)
    problems = [problem for name, field in shape.items()
                for problem in field.problems(name, arguments[name])]
    if problems:
        raise validation(*problems)
    return arguments
