"""Which file system a file lies on, from the system's own table of mounts. Pure."""

from __future__ import annotations

import re

__all__ = ["network_file_system"]

_NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "gpfs"),
        *("beegfs", "ocfs2", "pvfs2", "davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"),
    }
)  # fmt: skip
"""Neither their locks nor their word that something is written can be relied on, and SQLite's write-ahead log shares memory
between processes of one machine (sqlite.org/wal.html, sqlite.org/howtocorrupt.html)."""


def network_file_system(path: str, mounts: str) -> str:
    """The type of the file system that an absolute, resolved path lies on, if it is one of a network; empty otherwise.

    `mounts` is the text of `/proc/self/mounts`: device, place, type and options, with octal escapes in the first two.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        # Of two on one place the later one lies on top.
        if inside and len(place) >= len(best):
            best, kind = place, fields[2]
    return kind if kind in _NETWORK else ""
