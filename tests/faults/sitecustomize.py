"""Faults for the tests: a Python process with this folder on its PYTHONPATH obeys the variable REGULENS_FAULT.

``kill_at_rename SUFFIX MARK``: the first process that renames a file onto a name with that ending (and creates the file
MARK) leaves the first half of it under the temporary name and ends as by ``kill -9``.
``note FOLDER``: what a process changes on disk is written to a file named after its number.
"""

import os
import signal
import sys

KIND, *ARGUMENTS = os.environ.get("REGULENS_FAULT", "none").split()
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link")
WRITING = os.O_WRONLY | os.O_RDWR


def kill_at_rename(event: str, arguments: tuple) -> None:
    suffix, mark = ARGUMENTS
    if event == "os.rename" and str(arguments[1]).endswith(suffix) and not os.path.exists(mark):
        os.close(os.open(mark, os.O_CREAT | os.O_WRONLY))
        os.truncate(arguments[0], os.path.getsize(arguments[0]) // 2)
        os.kill(os.getpid(), signal.SIGKILL)


def note(event: str, arguments: tuple) -> None:
    if event == "open" and (set(str(arguments[1] or "")) & set("wax+") or (arguments[2] or 0) & WRITING):
        line = f"write {arguments[0]}\n"
    elif event in CHANGES:
        line = f"{event} {arguments[1] if event in ('os.rename', 'os.link') else arguments[0]}\n"
    else:
        return
    os.write(NOTES, line.encode())


if KIND == "note":
    NOTES = os.open(os.path.join(ARGUMENTS[0], str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(note)
elif KIND == "kill_at_rename":
    sys.addaudithook(kill_at_rename)
