"""Commands without the seconds that imports take: a server has the libraries loaded and forks for every command.

A folder of stand-ins for `regulens` and `snakemake` goes to the front of PATH. Each passes its arguments, environment,
folder and standard streams to the server, whose child runs the installed script of that name as it is, so that only the
libraries below are not loaded anew. The package's own modules are: a command still finds out by itself what it needs.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

LIBRARIES = [
    "PIL.Image",
    "asyncio",
    "concurrent.futures",
    "docutils.core",
    "fsspec",
    "h5py",
    "jinja2",
    "markdown_it",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.pyplot",
    "numpy",
    "pandas",
    "pyBigWig",
    "pydantic",
    "pyjaspar",
    "pytorch_lightning",
    "rich.progress",
    "safetensors.torch",
    "scipy.cluster.hierarchy",
    "scipy.signal",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.metrics",
    "snakemake.cli",
    "snakemake.executors.local",
    "snakemake.report",
    "tabulate",
    "torch",
    "torchmetrics",
    "transformers.models.bert.modeling_bert",
    "click",
    "yaml",
]
COMMANDS = ("regulens", "snakemake")
STAND_IN = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = dict(command={command!r}, arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ))
socket.send_fds(server, [b"3"], [0, 1, 2])
server.sendall(json.dumps(request).encode() + b"\\n")
answer = server.recv(16)
os._exit(int(answer or 1))
"""


class WarmCommands:
    """The server, from its first use to the end of the tests."""

    def __init__(self) -> None:
        self.server: subprocess.Popen | None = None

    def path(self) -> str:
        """PATH with the stand-ins first; starts the server when there is none."""
        if not self.server:
            self.start()
        return os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])

    def start(self) -> None:
        """Start the server and write the stand-ins."""
        self.folder = Path(tempfile.mkdtemp(prefix="warm"))
        address = self.folder / "socket"
        (self.folder / "bin").mkdir()
        for command in COMMANDS:
            script = self.folder / "bin" / command
            script.write_text(STAND_IN.format(python=sys.executable, address=str(address), command=command))
            script.chmod(0o755)
        # One thread: a process with several must not be forked.
        environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        # In a session of its own, where Ctrl-C does not reach it; it ends with its standard input, so with the tests.
        self.server = subprocess.Popen(
            [sys.executable, __file__, str(address)], env=environment, stdin=subprocess.PIPE, start_new_session=True
        )
        end = time.monotonic() + 300
        while not address.exists():
            assert self.server.poll() is None, "the server of warm commands did not start"
            assert time.monotonic() < end, "the server of warm commands did not start within five minutes"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server and what it still runs."""
        if self.server:
            self.server.stdin.close()
            self.server.wait(timeout=60)
            shutil.rmtree(self.folder, ignore_errors=True)
            self.server = None


WARM = WarmCommands()


def serve(address: str) -> tuple[str, list[str]]:
    """Fork for every request. Only the children come back, set up to run their command and its arguments."""
    for library in LIBRARIES:
        importlib.import_module(library)
    scripts = {command: shutil.which(command, path=str(Path(sys.executable).parent)) for command in COMMANDS}
    gc.collect()
    gc.freeze()  # what is there by now: collections in the children would copy its memory
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address + ".new")
    listener.listen(64)
    os.rename(address + ".new", address)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write_end)
    waiting: dict[int, socket.socket] = {}
    names: dict[int, str] = {}
    while True:
        ready, _, _ = select.select([sys.stdin, listener, read_end, *waiting.values()], [], [])
        if read_end in ready:
            os.read(read_end, 4096)
            for pid in list(waiting):
                ended, status, used = os.wait4(pid, os.WNOHANG)
                if ended:
                    if log := os.environ.get("WARM_LOG"):
                        with open(log, "a") as lines:
                            lines.write(f"{used.ru_utime + used.ru_stime:.2f} {names.pop(pid)}\n")
                    with waiting.pop(pid) as client:
                        code = os.waitstatus_to_exitcode(status)
                        with contextlib.suppress(OSError):  # the stand-in was killed
                            client.sendall(str(code if code >= 0 else 128 - code).encode())
        for pid, client in waiting.items():
            if client in ready:  # nobody waits for this command any more
                os.kill(pid, signal.SIGTERM)
                time.sleep(0.01)
        if sys.stdin in ready:
            for pid in waiting:
                os.kill(pid, signal.SIGKILL)
            sys.exit()
        if listener in ready:
            client, _ = listener.accept()
            _, streams, _, _ = socket.recv_fds(client, 1, 3)
            with client.makefile("rb") as lines:
                request = json.loads(lines.readline())
            if pid := os.fork():
                waiting[pid] = client
                names[pid] = " ".join([request["command"], *request["arguments"]])[:100]
                for stream in streams:
                    os.close(stream)
                continue
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            for other in (client, *waiting.values()):
                other.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            os.chdir(request["folder"])
            os.environ.clear()
            os.environ.update(request["environment"])
            return scripts[request["command"]], request["arguments"]


def search_path() -> list[str]:
    """Folders of the variable PYTHONPATH."""
    return [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]


def run(script: str, arguments: list[str]) -> int:
    """Run a script as Python would; its exit status."""
    # The server's own folder gives way to what Python puts in front.
    sys.argv, sys.path[:1] = [script, *arguments], [str(Path(script).parent), *search_path()]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = run(*serve(sys.argv[1]))
    # What Python does at its end, but taking every module apart: that would touch, and so copy, all of their memory.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
