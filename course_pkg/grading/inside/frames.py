"""Frames on a socket: four bytes of length, one byte of kind, then the payload. Deadlines and size limits on both ends.

Kinds: `Q` a question, `A` an answer to the last open question. Questions nest: whoever is asked may ask back before
answering, so the answers come in the reverse order of the questions.
"""

import socket
import struct
import time

from course_pkg.checks.text import say

LIMIT = 48 << 20  # bytes of one frame
HEAD = struct.Struct("!IB")
QUESTION, ANSWER = ord("Q"), ord("A")


class Gone(Exception):
    """The other end has ended, or speaks nonsense. It will not be listened to again."""


class Late(Exception):
    """Nothing whole came before the deadline."""


def _read(sock, count, deadline):
    parts = bytearray()
    while len(parts) < count:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise Late
        try:
            sock.settimeout(left)
            piece = sock.recv(min(count - len(parts), 1 << 20))
        except TimeoutError:
            raise Late from None
        except OSError as error:
            raise Gone(str(error)) from None
        if not piece:
            raise Gone(say("has ended"))
        parts += piece
    return bytes(parts)


def read(sock, deadline=None, limit=LIMIT):
    """(kind, payload) of the next frame. `deadline` is a time of time.monotonic. Raises Gone or Late."""
    length, kind = HEAD.unpack(_read(sock, HEAD.size, deadline))
    if length > limit or kind not in (QUESTION, ANSWER):
        raise Gone(say("frame", count=length))
    return kind, _read(sock, length, deadline)


def write(sock, kind, payload, deadline=None):
    """Send one frame. Raises Gone or Late."""
    try:
        sock.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
        sock.sendall(HEAD.pack(len(payload), kind) + payload)
    except TimeoutError:
        raise Late from None
    except OSError as error:
        raise Gone(str(error)) from None


def pair():
    """Two ends of a local connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
