"""`python -m dashboard DATABASE [PORT]`: serve the pages in this process."""

from __future__ import annotations

import os
import sys

from dashboard.launch import launch


def main() -> None:
    """Become the server."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m dashboard DATABASE [PORT]")
    command = launch(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    os.execv(command[0], command)


main()
