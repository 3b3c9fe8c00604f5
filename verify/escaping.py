r"""What a user's text becomes before it reaches a medium: one function for each, used by the one writer of that medium.

=====================  ==========================================================================
`terminal`             terminals and the logs of CI services: one line without effects
`github_data`          the message of a GitHub workflow command
`github_property`      a property of one, such as ``file``
`markdown`             Markdown with the extensions of GitHub, on one line
`xml`                  XML 1.0, before the writer of XML escapes ``<`` and ``&``
`json_text`            a JSON document that is printed where workflow commands are read
`sarif`                a plain text message of SARIF
`mathtext`             titles and labels of matplotlib
`page_text`            HTML, before its writer escapes ``<``, ``&`` and quotes
=====================  ==========================================================================
"""

from __future__ import annotations

import re

LIMIT = 2000
"""Characters that one text may fill in a medium; a longer one is shown by its two ends."""

WHOLE = 10**6
"""The limit where a counterexample must not be cut."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = {character: f"&#{ord(character)};" for character in "&<>|`*_[]\\#!@~$:^{}"}
_BLOCK_START = re.compile(r"[-+=\d]")
_SECOND_COLON, _SECOND_HASH = re.compile("(?<=:):"), re.compile("(?<=#)#")
_AUTOMATIC_LINK = re.compile(r"(?i)\bwww\.")


def shorten(text: str, limit: int = LIMIT) -> str:
    """Return text whose middle is left out if it has more than `limit` characters.

    Examples
    --------
    >>> shorten("a" * 5000, 40)
    'aaaaaaaa[... 4984 characters ...]aaaaaaaa'
    """
    if len(text) <= limit:
        return text
    kept = max(1, (limit - 24) // 2)
    return f"{text[:kept]}[... {len(text) - 2 * kept} characters ...]{text[-kept:]}"


def visible(text: str) -> str:
    r"""Return text with every character spelled out that moves the cursor, hides or reorders: one line.

    Controls (with the escape of ANSI sequences and the line ends), formats (with those that change the direction),
    separators other than the blank, and surrogates become backslash escapes.

    Examples
    --------
    >>> visible("a\n\x1b[2J\u202eb\u2028c é")
    'a\\n\\x1b[2J\\u202eb\\u2028c é'
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def terminal(text: str, limit: int = LIMIT) -> str:
    r"""Return one line that a terminal and a CI service's log show as it is.

    GitHub obeys ``::command::`` at the start of a line, blanks before it aside, and ``##[command]`` anywhere; a line
    may be wrapped at any place, so neither pair of characters is left anywhere.

    Examples
    --------
    >>> terminal("::stop-commands::token\n##[error]forged")
    ':\\x3astop-commands:\\x3atoken\\n#\\x23[error]forged'
    """
    return _without_commands(visible(shorten(text, limit)))


def github_data(text: str) -> str:
    r"""Return the message of a workflow command; it keeps its line ends.

    Examples
    --------
    >>> github_data("100%\n::stop-commands::x ##[error]forged")
    '100%25%0A::stop-commands::x #\\x23[error]forged'
    """
    parts = re.split(r"([\r\n])", _SECOND_HASH.sub(r"\\x23", shorten(text)))
    kept = {"\r": "%0D", "\n": "%0A"}
    return "".join(kept.get(part) or visible(part).replace("%", "%25") for part in parts)


def github_property(text: str) -> str:
    """Return a property of a workflow command.

    Examples
    --------
    >>> github_property("a,b:c.toml")
    'a%2Cb%3Ac.toml'
    """
    return github_data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line.

    Examples
    --------
    >>> markdown("[x](y) <b> `c`")
    '&#91;x&#93;(y) &#60;b&#62; &#96;c&#96;'
    """
    line = visible(" ".join(shorten(text).split()))
    escaped = "".join(_MARKDOWN.get(character, character) for character in line)
    escaped = _AUTOMATIC_LINK.sub(lambda found: found[0][:-1] + "&#46;", escaped)
    return f"&#{ord(escaped[0])};{escaped[1:]}" if _BLOCK_START.match(escaped) else escaped


def xml(text: str, limit: int = LIMIT) -> str:
    r"""Return text without the characters that XML cannot hold, the others that hide or reorder spelled out.

    Examples
    --------
    >>> xml("a\x1b\u202eb\nc")
    'a\ufffd\\u202eb\nc'
    """
    lines = _NOT_XML.sub("\ufffd", shorten(text, limit)).split("\n")
    return "\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in lines)


def json_text(text: str) -> str:
    r"""Return a JSON document, in ASCII, that means the same and holds no ``##[command]``.

    Examples
    --------
    >>> json_text('{"name": "##[error]"}')
    '{"name": "#\\u0023[error]"}'
    """
    return text.replace("##", "#\\u0023")


def sarif(text: str) -> str:
    """Return a plain text message of SARIF, in which ``[text](target)`` would be a link.

    Examples
    --------
    >>> sarif("[free](https://example.org)")
    '[free] (https://example.org)'
    """
    return visible(shorten(text)).replace("](", "] (")


def mathtext(text: str) -> str:
    r"""Return a line in which matplotlib finds no formula.

    Examples
    --------
    >>> mathtext("cost $\\frac$")
    'cost \\$\\frac\\$'
    """
    return visible(shorten(text, 200)).replace("$", r"\$")


def page_text(text: str, limit: int = LIMIT) -> str:
    r"""Return text of an HTML page on one line, what hides or reorders spelled out; ``<`` is its writer's to escape.

    Examples
    --------
    >>> page_text("a\u202eb\0c")
    'a\\u202eb\\x00c'
    """
    return visible(shorten(text, limit))


def _without_commands(text: str) -> str:
    """Return text in which no ``::`` and no ``##`` is left."""
    return _SECOND_HASH.sub(r"\\x23", _SECOND_COLON.sub(r"\\x3a", text))
