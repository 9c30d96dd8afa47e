"""`python -m tests.arch.rules`: every finding on a line of its own, exit 1 when there is one."""

import sys

from tests.arch.rules.tree import files, findings

if __name__ == "__main__":
    found = findings(list(files()))
    print("\n".join(map(str, found)) or "the house rules hold")
    sys.exit(1 if found else 0)
