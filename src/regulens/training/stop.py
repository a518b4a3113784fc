"""Ending early: signals that stop training between two batches, and processes that end with their parent."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}
"""Exit status after each signal that stops training."""

_PARENT = "REGULENS_TRAINING_PARENT"
_PLACE = ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def process_rank() -> int:
    """Rank of this process among those of a training run: 0 in the one that the user started.

    Lightning starts the others by running the command again; they find their parent's number in the environment. They
    end when it does.
    """
    if os.environ.get(_PARENT) != str(os.getppid()):
        return 0
    _end_with_parent()
    return int(os.environ["LOCAL_RANK"])


@contextmanager
def launching(rank: int) -> Iterator[None]:
    """Context of a fit with several processes: the environment by which the launched ones know their place.

    In process 0, rank variables that another launcher (srun, torchrun) left behind mean nothing and are removed.
    """
    if rank:
        yield
        return
    for name in _PLACE:
        os.environ.pop(name, None)
    os.environ[_PARENT] = str(os.getpid())
    try:
        yield
    finally:
        for name in (_PARENT, *_PLACE):
            os.environ.pop(name, None)


def _end_with_parent() -> None:
    """End this process soon after its parent is gone, killed for example: it may wait in a collective for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Signals:
    """Context in which SIGTERM and SIGINT end the command with 143 and 130 and nothing else.

    In process 0 they raise `SystemExit`, at once before ``deferred`` is set, afterwards where `status` is asked for
    (between two batches), or at the second signal. The other processes ignore signals and hear of it from process 0, so
    that nobody waits in a collective for a process that is gone.
    """

    def __init__(self, rank: int):
        self.rank = rank
        self.status = 0
        """Exit status asked for by a signal, 0 without one."""
        self.deferred = False

    def __enter__(self) -> "Signals":
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in STATUS}
            self.install()
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def install(self) -> None:
        """Set the handlers (again: Lightning puts its own in front, which broadcasts from within a signal handler)."""
        for number in self._before:
            signal.signal(number, self._received if self.rank == 0 else signal.SIG_IGN)

    def _received(self, number: int, _frame) -> None:
        again, self.status = self.status != 0, STATUS[number]
        if again or not self.deferred:
            raise SystemExit(self.status)
