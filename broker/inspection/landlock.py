"""Landlock: a process gives up the files it does not need, without being root (Linux 5.13).

https://docs.kernel.org/userspace-api/landlock.html. The restriction holds for this thread, and for
the threads and processes that it starts later.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_RETURN_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
# No subdirectory, link, socket or device can be created: a directory of files is easy to delete.
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
_FOR_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE
# How many of the file rights a kernel knows, by the version of its Landlock.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NOW = 16
_NO_TCP = 0b11  # bind and connect, since version 4 (Linux 6.7)
_OWN_SOCKETS_AND_SIGNALS = 0b11  # since version 6 (Linux 6.12)


def restrict(*, readable: Iterable[Path], writable: Path) -> bool:
    """Deny all files except these, every program, and TCP and signals if the kernel can.

    `no_new_privs` must be set. Paths that do not exist are skipped.

    Returns:
        False if the kernel has no Landlock; then nothing is denied.
    """
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    version = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _RETURN_VERSION)
    if version < 1:
        return False
    rights = (1 << _RIGHTS.get(version, _RIGHTS_NOW)) - 1
    attributes = struct.pack(
        "=QQQ",
        rights,
        _NO_TCP if version >= 4 else 0,
        _OWN_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    for path, allowed in [(writable, _WRITE), *((path, _READ) for path in readable)]:
        if path.exists():
            _allow(syscall, ruleset, path, allowed & rights)
    restricted: int = syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return restricted == 0


def _allow(syscall: "ctypes._NamedFuncPointer", ruleset: int, path: Path, allowed: int) -> None:
    descriptor = os.open(path, os.O_PATH)
    rule = struct.pack("=Qi", allowed if path.is_dir() else allowed & _FOR_FILES, descriptor)
    if syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) < 0:
        raise OSError(ctypes.get_errno(), "landlock_add_rule", str(path))
    os.close(descriptor)
