"""Patterns that make our prose hard to read, and where prose stands: comments, docstrings, strings and documents."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent.parent


class Rule(NamedTuple):
    """A pattern, what to write instead, a sentence that breaks it, and one that may stand."""

    pattern: re.Pattern[str]
    instead: str
    bad: str
    good: str


class Hit(NamedTuple):
    """A place where prose breaks a rule."""

    path: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}: {self.instead}"


def _rule(pattern: str, instead: str, bad: str, good: str) -> Rule:
    # A sentence may be broken into lines anywhere.
    return Rule(re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), instead, bad, good)


RULES: Final = (
    _rule(
        r"\bwho(?:m)?ever\b",
        "name the role: a caller, a worker, an operator",
        "Whoever asks first decides.",
        "The first caller decides.",
    ),
    _rule(
        r"\bwho (?:is|are) no\b|\b(?:is|are) no (?:phones?|numbers?|texts?|words?|ids?|times?|kinds?|mobile)\b",
        "is not a ...",
        "What is no phone is counted.",
        "What is not a phone is counted. There is no longer a phone.",
    ),
    _rule(
        r"\b(?:taken|takes?|took|taking) (?:them )?out\b",
        "excluded",
        "Who opted out is taken out.",
        "Opted-out recipients are excluded.",
    ),
    _rule(r"\bwithh(?:eld|old\w*)\b", "excluded", "Opted-out phones are withheld.", "Opted-out phones are excluded."),
    _rule(
        r"\baccounts?(?:'s)? (?:still |also )?(?:rest|rests|rested|resting|wakes?|woke|woken)\b|\bwoken\b",
        "pause, resume",
        "The account rests until a person has woken it.",
        "The account pauses until a person resumes it. A wake-up is a Celery message.",
    ),
    _rule(
        r"\bso (?:long|many)\b(?! that)",
        "give the number with its unit, or name the setting",
        "It asks again after so long.",
        "It asks again after 30 s. It took so long that it expired.",
    ),
    _rule(
        r"\btold\b(?! (?:apart|from))|\bheard\b",
        "reported, shown, returned, received",
        "Nothing was heard of it.",
        "No status was received. The two cannot be told apart.",
    ),
    _rule(r"\btwins?\b", "lookalike", "A twin of this mailing.", "A lookalike of this mailing."),
    _rule(r"\bstrangers?\b", "name the role: a caller, an unknown sender", "A stranger's text.", "A caller's text."),
    _rule(
        r"\bfor(?:get|gets|got|gotten|getting)\b",
        "erase (a person), delete (a group), expire (a key)",
        "The person is forgotten.",
        "The person is erased.",
    ),
    _rule(
        r"\bduplicate (?:sends?|sending|messages?|deliver(?:y|ies))\b|\bsent as (?:a )?duplicates?\b",
        "double send",
        "A duplicate message went out.",
        "A double send. A duplicate in the job is excluded.",
    ),
    _rule(
        r"\b(?:an?|another|the (?:next|first|last)|next|each|every|two|further) looks?\b(?![- ]up)"
        r"|\blook(?:s|ed)? again\b|\blooked (?:at|for) again\b",
        "poll (statuses, replies), check (the listing)",
        "The next look is due in a minute.",
        "The next poll is due in a minute. A look-up by phone.",
    ),
    _rule(
        r"\b(?:no|some|any)body\b",
        "name the role: a worker, a person, a recipient, a caller",
        "Somebody else plans the job.",
        "Another process plans the job.",
    ),
)


def broken(text: str) -> list[tuple[int, str, str]]:
    """What breaks a rule in a text: the number of lines before it, its words, and what to write instead."""
    bare = re.sub(r"`[^`\n]*`", "``", text)
    return [
        (bare.count("\n", 0, match.start()), " ".join(match[0].split()), rule.instead)
        for rule in RULES
        for match in rule.pattern.finditer(bare)
    ]


def hits() -> dict[str, list[Hit]]:
    """Every place that breaks a rule, by room."""
    found: dict[str, list[Hit]] = {}
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        room = found.setdefault(_room(name), [])
        for first, text in _prose(path):
            room += [Hit(name, first + before, words, instead) for before, words, instead in broken(text)]
    return found


def _room(name: str) -> str:
    """`campaigns` for its own modules, `campaigns/ROOM` for a folder, else the top folder or the document."""
    if name.endswith(".lua"):
        return "campaigns/store/lua"
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "campaigns" and len(parts) > 2 else parts[0]


def _files() -> Iterator[Path]:
    for folder in ("campaigns", "workers"):
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield from sorted((ROOT / "campaigns/store/lua").rglob("*.lua"))
    yield from (ROOT / "celeryconfig.py", ROOT / "README.md", ROOT / "campaigns/README.md")
    yield from sorted(chain((ROOT / "deploy").rglob("*.md"), (ROOT / ".github").glob("*.md")))


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    """Blocks of prose, each with the number of its first line."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        # Blocks of code stay as empty lines, so that the numbers of lines stay right.
        yield 1, re.sub(r"^```.*?^```", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    elif path.suffix == ".lua":
        yield from _blocks((n, line) for n, line in enumerate(text.splitlines(), 1) if line.startswith("--"))
    else:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        yield from _blocks((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)
        yield from _strings(text)


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Comments on consecutive lines as one text each."""
    first, block = 0, list[str]()
    for number, line in lines:
        if block and number != first + len(block):
            yield first, "\n".join(block)
            block = []
        first = first if block else number
        block.append(line.lstrip("#:- "))
    if block:
        yield first, "\n".join(block)


def _strings(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings, and the strings that hold more than one word."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value
