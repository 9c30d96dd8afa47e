"""What a forked child runs in tests: says who it is, then waits to be ended."""

import os
import signal
import sys
import time

if __name__ == "__main__":
    print(sys.argv[1:], os.environ.get("TOLD"), os.environ.get("HIDDEN"), os.getpgrp() == os.getpid())
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, sys.stdin.read() == "")
    if "fail" in sys.argv:
        sys.exit(3)
    time.sleep(600)
