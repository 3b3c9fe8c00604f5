"""Where the installed command starts: Ctrl-C is one line from the first import on."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line of ``sys.argv`` and leave with its exit code."""
    try:
        from verify.cli.app import main
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    main()
