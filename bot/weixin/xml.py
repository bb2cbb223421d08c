"""The platform's flat XML, read without trust and written without gaps.

Read by expat with every door shut: no document type, no entities, little depth, each field once. Knows
no meaning of any field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.parsers import expat

DEEPEST = 8
MOST_FIELDS = 200
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (production 2, Char): a reply with one is not shown at all."""

Content = str | int | Sequence[tuple[str, "Content"]]


class BadXml(ValueError):
    """Not the XML of this protocol; says what is wrong, never what stood there."""


def read_fields(body: bytes) -> dict[str, str]:
    """Texts of the elements right below <xml>; deeper ones are passed over.

    Raises:
        BadXml: not well-formed, not UTF-8, a document type or entity, too deep, a field that comes twice, another root.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    path: list[str] = []
    fields: dict[str, str] = {}

    def refuse(*_: object) -> None:
        raise BadXml("document types and entities are not taken")

    def start(name: str, _: object) -> None:
        path.append(name)
        if len(path) > DEEPEST or len(fields) > MOST_FIELDS:
            raise BadXml("too deep or too many fields")
        if len(path) == 1 and name != "xml":
            raise BadXml("the root is not <xml>")
        if len(path) == 2:
            if name in fields:
                raise BadXml("a field comes twice")
            fields[name] = ""

    def end(_: str) -> None:
        path.pop()

    def text(data: str) -> None:
        if len(path) == 2:
            fields[path[1]] += data

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        # The bytes are decoded here, so that a declared encoding cannot choose another reading of them.
        parser.Parse(re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", body.decode("utf-8")).encode(), True)
    except BadXml:
        raise
    except UnicodeDecodeError as error:
        raise BadXml("not UTF-8") from error
    except (expat.ExpatError, ValueError) as error:
        raise BadXml("not well-formed") from error
    return fields


def clean(text: str) -> str:
    """A text without the characters XML cannot hold."""
    return _ILLEGAL.sub("", text)


def write_fields(fields: Sequence[tuple[str, Content]] | Mapping[str, Content]) -> bytes:
    """<xml> with one element a field: numbers plain, texts as CDATA, sequences of pairs nested; UTF-8."""
    pairs = list(fields.items()) if isinstance(fields, Mapping) else fields
    return f"<xml>{''.join(_element(name, value) for name, value in pairs)}</xml>".encode()


def _element(name: str, value: Content) -> str:
    if isinstance(value, int):
        inner = str(value)
    elif isinstance(value, str):
        # A text may hold the end mark of CDATA: it is cut in two there, so that nothing of it becomes markup.
        inner = f"<![CDATA[{clean(value).replace(']]>', ']]]]><![CDATA[>')}]]>"
    else:
        inner = "".join(_element(*pair) for pair in value)
    return f"<{name}>{inner}</{name}>"
