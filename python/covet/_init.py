"""Process 1 of a container, where the server itself serves: takes the exits of orphans, hands signals on.

A supervisor does that beside its own work; this is for `--workers 0`. Source: pid_namespaces(7).
"""

import contextlib
import os
import signal

_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def stay_behind() -> None:
    """Fork: the child returns and serves; process 1 ends with it. Before any thread is started."""
    child = os.fork()
    if child == 0:
        return

    def hand_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _HANDED_ON:
        signal.signal(number, hand_on)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
