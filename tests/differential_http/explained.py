"""Where CovetPy and the peers differ on purpose: each difference with the section that allows or asks for it.

A case that belongs to no row here is a finding. Bytes and verdicts only.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class Looser(NamedTuple):
    """Something that CovetPy takes and these peers refuse."""

    peers: frozenset[str]
    pattern: re.Pattern[bytes]
    """Found in every request that shows it."""
    section: str
    reason: str
    example: bytes


def _looser(peers: str, pattern: bytes, section: str, reason: str, example: bytes) -> Looser:
    return Looser(frozenset(peers.split()), re.compile(pattern, re.IGNORECASE), section, reason, example)


LOOSER: Final[Mapping[str, Looser]] = {
    "an empty line before the request line": _looser(
        "go",
        rb"(^|\r\n\r\n|[^\r\n])\r\n[!-~]+ \S+ HTTP/1\.[01]\r\n",
        "RFC 9112 section 2.2",
        "a server SHOULD ignore at least one CRLF before the request line; Go ignores none",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "a question about the server as a whole": _looser(
        "nginx",
        rb"OPTIONS \* HTTP/1\.[01]\r\n",
        "RFC 9110 section 9.3.7",
        "an asterisk asks about the server in general; nginx takes no target of that form",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "an answer for the server as a whole before its body is here": _looser(
        "hyper nginx",
        rb"OPTIONS \* HTTP/1\.[01]\r\n(?s:.*)(content-length|transfer-encoding):",
        "RFC 9110 section 9.3.7",
        "its body has no defined use, so the answer does not wait for it; hyper's application waits for each body",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    ),
    "an empty Host": _looser(
        "nginx",
        rb"\r\nhost:[ \t]*\r\n",
        "RFC 9112 section 3.2",
        "a client MUST send an empty Host where its URI has no authority; nginx wants a name",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    ),
    "a tab around a value": _looser(
        "nginx",
        rb"\r\n[!-9;-~]+:[ \t]*[^\r\n]*\t",
        "RFC 9110 section 5.5",
        "optional whitespace is spaces and tabs, and no part of the value; nginx takes spaces only",
        b"GET / HTTP/1.1\r\nHost:\ta\r\n\r\n",
    ),
    "an escaped NUL in the path": _looser(
        "nginx",
        rb"%00",
        "RFC 3986 section 2.1",
        "every octet may be escaped; the application gets the path, no C string. Files are served from no such path",
        b"GET /x%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "an escape in the authority": _looser(
        "go hyper nginx",
        rb" https?://[^ /]*%[0-9a-f]{2}[^ /]*(/| )",
        "RFC 3986 section 3.2.2",
        "a registered name may hold escapes; nobody looks it up here, and a name with one equals no other",
        b"GET http://l%6fcalhost/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "a sub-delimiter in the authority": _looser(
        "nginx",
        rb" https?://[^ /]*[!$&'()*+,;=]",
        "RFC 3986 section 3.2.2",
        "a registered name may hold them; nginx takes what DNS takes",
        b"GET http://local!host/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "a connection option that holds the word close": _looser(
        "go nginx",
        rb"\r\nconnection:[^\r\n]*[^\r\n,: \t][^\r\n,]*close",
        "RFC 9110 section 7.6.1",
        "an option is the whole of what stands between commas; nginx looks for the word, Go trims bytes above ASCII",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: \x80 close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "a space before a chunk's extension": _looser(
        "go",
        rb"\r\n[0-9a-f]+[ \t]+;",
        "RFC 9112 section 7.1.1",
        "bad whitespace is allowed there and MUST be removed by who parses it; Go refuses it",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a=b\r\nx\r\n0\r\n\r\n",
    ),
    "an expectation in HTTP/1.0": _looser(
        "go nginx",
        rb"HTTP/1\.0\r\n(?s:.*)expect:",
        "RFC 9110 section 10.1.1",
        "Expect means nothing in HTTP/1.0 and is ignored there; Go refuses what it does not know, nginx a second one",
        b"POST / HTTP/1.0\r\nExpect: a\r\nExpect: b\r\n\r\n",
    ),
}

STRICTER: Final[Mapping[str, tuple[str, str]]] = {
    "A line ends with LF alone instead of CRLF.": (
        "RFC 9112 section 2.2",
        "a recipient MAY take LF alone; where a proxy and a server differ in that, requests are smuggled",
    ),
    "The request line does not end with an HTTP version.": (
        "RFC 9112 section 2.3",
        "the version's line ends with LF alone, or with blanks before the CRLF",
    ),
    "The method is not a token followed by one space.": (
        "RFC 9112 section 3",
        "what stands where a next request should: peers that saw no more of it ended without a word",
    ),
    "this server does not implement the method": (
        "RFC 9110 section 15.6.2",
        "501 for a method that is not registered; the request is read whole and the connection stays",
    ),
    "The method is longer than any known method.": ("RFC 9112 section 3", "501, as the section asks"),
    "CONNECT is not supported.": ("RFC 9110 section 9.3.6", "this is no proxy"),
    "The request target holds a byte that a URI cannot hold.": (
        "RFC 9112 section 3.2",
        "quotes, brackets, fragments and bytes above ASCII are no part of a URI; caches and routers differ in them",
    ),
    "The request target holds a percent sign without two hexadecimal digits.": (
        "RFC 3986 section 2.1",
        "no escape; peers keep it and leave the doubt to the application",
    ),
    "The request target is not of a form allowed for this method.": (
        "RFC 9112 section 3.2",
        "four forms, of which the absolute one is http or https here",
    ),
    "a path segment is not UTF-8, or is . or ..": (
        "RFC 3986 section 6.2.2.3",
        "a client removes dot segments before it sends; who removes them here may miss a rule of a proxy",
    ),
    "The Host field is not a host with an optional port.": ("RFC 9112 section 3.2", "MUST be answered with 400"),
    "The authority of the request target is not a host with an optional port.": (
        "RFC 9110 section 4.2.4",
        "user information in an http URI is an error",
    ),
    "Only the expectation 100-continue is supported.": ("RFC 9110 section 10.1.1", "417 for any other, as it allows"),
    "A chunk does not start with its size in hexadecimal digits.": (
        "RFC 9112 section 7.1",
        "blanks after the size where no extension follows, or no digits",
    ),
    "A chunk extension holds a control character.": ("RFC 9112 section 7.1.1", "no part of a token or of a quoted text"),
    "A trailer field cannot frame or route its request.": (
        "RFC 9110 section 6.5.1",
        "a sender MUST NOT send it there; who merges trailers into the head would be deceived",
    ),
    "A trailer name is not a token directly followed by a colon.": ("RFC 9112 section 5.1", "as in the head"),
    "A trailer value holds a control character.": ("RFC 9110 section 5.5", "as in the head"),
    "A field value holds a control character.": ("RFC 9110 section 5.5", "CR, LF and NUL are refused, and all others with them"),
    "A CR is not followed by LF.": ("RFC 9112 section 2.2", "a bare CR is invalid where it is not a part of content"),
    "Too many empty lines stand before the request line.": ("RFC 9112 section 2.2", "one is asked for, a few are taken"),
    "The request has more than one Content-Length field.": (
        "RFC 9110 section 8.6",
        "equal values MAY be taken as one; refused, since a proxy may read the list otherwise",
    ),
    "The chunk extensions are too large.": ("RFC 9112 section 7.1.1", "a limit: docs/limits.md"),
    "A chunk size has more than 16 digits.": ("RFC 9112 section 7.1", "a limit: docs/limits.md; peers stop elsewhere"),
    "The request has too many header fields.": ("RFC 6585 section 5", "a limit: docs/limits.md"),
    "The header fields are too large.": ("RFC 6585 section 5", "a limit: docs/limits.md"),
    "The request has too many trailer fields.": ("RFC 6585 section 5", "a limit: docs/limits.md"),
    "The trailer fields are too large.": ("RFC 6585 section 5", "a limit: docs/limits.md"),
}  # fmt: skip
"""What CovetPy says where it refuses what every peer accepts."""
