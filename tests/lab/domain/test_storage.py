"""Whether a file lies on a network, by the system's table of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.domain.storage import network_file_system

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
server:/export /mnt/lab nfs4 rw,vers=4.2 0 0
/dev/sdb1 /mnt/lab/local xfs rw 0 0
//files/share /mnt/two\\040words cifs rw 0 0
ada@host:/home /home/ada/far fuse.sshfs rw 0 0
server:/old /mnt/twice nfs rw 0 0
/dev/sdc1 /mnt/twice ext4 rw 0 0
odd line
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/mnt/lab", "nfs4"),
        ("/mnt/lab/records.db", "nfs4"),
        ("/mnt/lab/deep/in/records.db", "nfs4"),
        ("/mnt/two words/records.db", "cifs"),
        ("/home/ada/far/.lab/records.db", "fuse.sshfs"),
        ("/mnt/lab/local/records.db", ""),
        ("/mnt/laboratory/records.db", ""),
        ("/mnt/twice/records.db", ""),
        ("/home/ada/records.db", ""),
        ("/tmp/records.db", ""),
        ("/records.db", ""),
    ],
)
def test_the_mount_that_is_nearest_counts(path: str, expected: str) -> None:
    assert network_file_system(path, MOUNTS) == expected


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert network_file_system("/mnt/lab/records.db", "") == ""


def test_this_machine_s_table_is_understood(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    assert network_file_system(str(tmp_path.resolve()), mounts) == ""
    assert (
        network_file_system(str(tmp_path.resolve()), mounts + f"s:/x {tmp_path} nfs rw 0 0\n")
        == "nfs"
    )
