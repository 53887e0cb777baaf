"""Whether a value may be a secret at all. Names lie (a package may be called like a secret): the value decides too."""

from __future__ import annotations

import functools
import math
import re
import zlib
from collections import Counter

SHORTEST = 8
BITS = 24.0
LONGEST = 4096
"""What is longer is no secret of one field."""

_HARMLESS = re.compile(
    rb"""(?xi)
      [-+]?[\d.,:_/ T-]+(?:e[-+]?\d+)?(?:%|px|ms|[kmgt]i?b|s|z)?      # numbers, dates, versions
    | 0x[0-9a-f]{1,8}
    | (?:true|false|null|none|undefined|nil|yes|no)
    | [v^~<>=!\s]*\d+(?:\.[\dx*]+){1,3}(?:[-+.][\w.+-]{0,40})?(?:\s*(?:\|\||[<>=^~-]|,).*)?  # semantic versions
    | [a-z][a-z0-9+.-]{1,20}://.*                                   # URLs
    | (?:npm|git|github|file|link|workspace|portal|patch|data|blob|urn|mailto|about|env|vault|arn|docker|oci):.*
    | (?:sha\d{1,3}|md5|blake\w*|h1)[-:=].*                          # integrity fields
    | (?-i:(?:~|\.{1,2})?/[a-z][a-z0-9_.@-]+(?:/[\w.@%~+-]*)*)        # paths
    | (?-i:[a-z0-9_.@-]+(?:/[a-z0-9_.@-]+)+)
    | [a-z]:\\.*
    | [\w./@-]+\.(?:json|txt|py|js|ts|go|rs|c|h|cc|sh|md|ya?ml|toml|ini|cfg|conf)           # files
    | [\w./@-]+\.(?:html?|css|pem|crt|key|pub|lock|so|gz|png|svg|xml)
    | \$\w+ | .*(?:\$[({]|\{\w[\w.!:]*\}|%\(\w+\)|%[sd](?:\W|\Z)).* | [<\[({].*       # references
    | .*(?:\*{3,}|\.{3,}|x{6,}|_{4,}|-{4,}).*                         # blanks
    | (?:sha|md|aes|rsa|ecdsa|ed|utf|iso|base|x|hs|rs|es|ps)-?\d+[\w-]{0,12}
    | (?-i:@?[A-Z]?[a-z]+\d?(?:[._/:+@-]+(?:[A-Z]?[a-z]+\d{0,2}|\d{1,4}))*)  # words, package names, host names
    | !?\$?[a-z_]\w*(?:(?:\.|::|->|\#)\$?[a-z_]\w*)+(?:\(.*)?          # attributes in code
    | !?\$?[a-z_]\w*(?:(?:\.|::|->)\$?\w+)*[\(\[<].*                # calls, indices, types
    | --?[a-z][a-z-]*                                               # options
    """
)
_LONGEST_WORD = 200
_LONG_HARMLESS = re.compile(rb"(?i)[a-z][a-z0-9+.-]{1,20}:|[<\[({$/.~]|!?[a-z_][\w.]{0,80}[(\[<]")
_UNPRINTABLE = re.compile(rb"[\s\x00-\x1f]")
_IDENTIFIER = re.compile(
    rb"_*(?:[A-Z]?[a-z]{2,}|[A-Z]{2,5}\d?(?=[A-Z_]|\Z))(?:_*(?:[A-Z]?[a-z]{2,}|[A-Z]{2,4})){0,8}_*\d{0,2}\Z"
)
_CONSTANT = re.compile(rb"[A-Z]{2,}(?:[_-][A-Z0-9]+)+\Z|[A-Z]+\Z")
_DUMMY = re.compile(
    rb"(?i).*(?:passw|secret|token|example|placeholder|changeme|your[_-]|my[\\\\]?[_-]|redacted|dummy|deadbeef|12345678|abcdef)"
)
_BLANK = re.compile(rb"[\s*x.#-]*\Z|[<{\[$%].*|.*(?:\.\.\.|\xe2\x80\xa6)", re.DOTALL)


def bits(value: bytes) -> float:
    """Shannon's entropy of the characters, times their number."""
    size = len(value)
    return -sum(n * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


def strong(value: bytes) -> bool:
    """Whether a value may be replaced wherever it occurs: too long and too varied to occur by chance."""
    return len(value) >= SHORTEST and bits(value) >= BITS


def blank(value: bytes) -> bool:
    """Whether a value only says where a secret would stand: stars, an ellipsis, a reference."""
    return _BLANK.match(value) is not None


def plausible(value: bytes) -> bool:
    """Whether a value whose field is named like a secret's is one.

    Never numbers, truth values, versions, URLs, paths, hashes of integrity fields, package and other words, references
    or code. At least eight characters and 24 bits, of two kinds of characters.
    """
    if len(value) > LONGEST or len(value) < SHORTEST:
        return False
    if len(value) > _LONGEST_WORD:  # longer than what is harmless ever is, but for a few
        return not (_LONG_HARMLESS.match(value) or _UNPRINTABLE.search(value) or _repetitive(value))
    return _plausible_word(value)


def _repetitive(value: bytes) -> bool:
    """Whether a long value says little, again and again: what was drawn by chance does not compress so well."""
    return len(zlib.compress(value, 1)) * 5 < len(value) * 2


@functools.lru_cache(4096)  # text repeats its values, hostile text above all
def _plausible_word(value: bytes) -> bool:
    if not strong(value) or _UNPRINTABLE.search(value):
        return False
    if (
        _HARMLESS.fullmatch(value)
        or _IDENTIFIER.match(value)
        or _CONSTANT.match(value)
        or _DUMMY.match(value)
    ):
        return False
    kinds = (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]")
    return sum(re.search(kind, value) is not None for kind in kinds) >= 2
