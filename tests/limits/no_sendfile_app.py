"""An application of static files in a process whose kernel refuses `sendfile`: only reading and sending is left.

A filter of system calls does it (seccomp), for this thread and what it starts. Elsewhere than on Linux, and where
filters are not allowed, importing this is an OSError.
"""

import ctypes
import errno
import os
import platform
import tempfile
from pathlib import Path

from covet import Covet

SENDFILE = {"x86_64": 40, "aarch64": 71}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
"""What a filter returns; `FAIL` with an errno."""


class Instruction(ctypes.Structure):
    """One of the filter's program."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    """As the kernel takes it."""

    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction)))


def refuse(number: int) -> None:
    """From now on the system call `number` is an EIO."""
    instructions = (Instruction * 4)(
        Instruction(LOAD_NUMBER, 0, 0, 0),
        Instruction(JUMP_IF_EQUAL, 0, 1, number),
        Instruction(RETURN, 0, 0, FAIL | errno.EIO),
        Instruction(RETURN, 0, 0, ALLOW),
    )
    program = Program(len(instructions), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), f"prctl{words[:2]}: {os.strerror(ctypes.get_errno())}")


if platform.system() != "Linux" or platform.machine() not in SENDFILE:
    raise OSError(f"no filter of system calls for {platform.system()} on {platform.machine()}")
refuse(SENDFILE[platform.machine()])

SIZE = 1024 * 1024
"""Bytes of `/files/large`: far more than what is read whatever the setting."""
main = Covet()
folder = tempfile.TemporaryDirectory()
Path(folder.name, "large").write_bytes(b"x" * SIZE)
main.static("/files", folder.name)
