"""Runs Synapse with the given arguments until its standard input ends: its parent is gone, however it ended."""

import os
import signal
import threading


def end_with_parent() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


threading.Thread(target=end_with_parent, daemon=True).start()

from synapse.app.homeserver import main  # noqa: E402 (importing takes seconds, in which the parent can end)

main()
