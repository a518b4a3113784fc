"""A SLURM of one machine: munge, slurmctld and slurmd on loopback, with three pretended A100s."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo"]
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
# Finished jobs stay visible: without accounting, squeue is the only witness.
MinJobAge=3600
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2
# The machine pretends to have what the shipped profile asks for.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=512000 Gres=gpu:a100:3 State=UNKNOWN
PartitionName=gpu Nodes={host} Default=NO MaxTime=INFINITE State=UP
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why no cluster can be started here; empty when one can."""
    if absent := [name for name in PROGRAMS if not program(name)]:
        return f"{', '.join(absent)} not installed (Debian: apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "slurmd must be started as root"


def program(name: str) -> str | None:
    """Path of a program; daemons are in sbin, which is not on everybody's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@dataclass
class Cluster:
    """A running cluster; `environment` makes SLURM's commands talk to it."""

    folder: Path
    host: str

    @property
    def environment(self) -> dict[str, str]:
        path = os.environ.get("PATH", os.defpath)
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": f"{self.folder / 'bin'}{os.pathsep}{path}"}

    def write_srun(self) -> None:
        """An `srun` that finds this cluster: inside a job the executor takes SLURM_CONF away from it."""
        shim = self.folder / "bin/srun"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder / "slurm.conf"} exec {program("srun")} "$@"\n')
        shim.chmod(0o755)

    def call(self, *command: str) -> str:
        """Output of a SLURM command; AssertionError with its words when it fails."""
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start, in order: the fields of `scontrol show job`."""
        records = self.call("scontrol", "show", "job", "--oneliner").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(.*?)(?= \S+?=|$)", record)) for record in records if "JobId=" in record]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def jobs_of(self, rule: str, folder: Path | None = None) -> list[dict[str, str]]:
        """Jobs of a rule or group, which the executor names in the path of their log; of runs in one folder."""
        jobs = [job for job in self.jobs() if folder is None or job["WorkDir"] == str(folder)]
        return [job for job in jobs if re.search(rf"/(rule_{rule}|group_{rule}_\w+)/", job["StdOut"])]

    def until(self, condition, seconds: float, what: str):
        """First true value of a condition; AssertionError when it stays false."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.log()}")

    def log(self) -> str:
        """Last words of the daemons."""
        return "\n".join(
            f"{path.name}:\n{path.read_text(errors='replace')[-1500:]}" for path in self.folder.glob("*.log")
        )


@contextmanager
def running_cluster(folder: Path, cpus: int = 64) -> Iterator[Cluster]:
    """Start the three daemons in a folder and stop them, by their own process ids, with the jobs that are left.

    ``cpus``: those that the machine pretends to have, which limits the number of jobs that run at a time.
    """
    host = socket.gethostname().split(".")[0]
    cluster = Cluster(folder, host)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(host=host, folder=folder, cpus=cpus, controller_port=free_port(), node_port=free_port())
    )
    cluster.write_srun()
    devices = [folder / f"gpu{number}" for number in range(3)]
    for device in devices:
        device.touch()
    (folder / "gres.conf").write_text("".join(f"Name=gpu Type=a100 File={device}\n" for device in devices))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    with ExitStack() as stack:
        socket_file = folder / "munge.socket"
        munge = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_file}"]
        files = [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "seed", "log")]
        stack.enter_context(daemon(cluster, [*munge, *files]))
        cluster.until(socket_file.exists, 20, "munge opens its socket")
        stack.enter_context(daemon(cluster, ["slurmctld", "-D", "-c"]))
        stack.enter_context(daemon(cluster, ["slurmd", "-D"]))
        cluster.until(lambda: idle(cluster), 60, "the node is idle")
        try:
            yield cluster
        finally:
            cancel_all(cluster)


def memory_mb(job: dict[str, str]) -> int:
    """Memory that a job asked for; SLURM writes 64000M as 62.50G."""
    amount, unit = re.search(r"mem=([\d.]+)([MG])", job["TRES"]).groups()
    return round(float(amount) * {"M": 1, "G": 1024}[unit])


def idle(cluster: Cluster) -> bool:
    found = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=os.environ | cluster.environment, capture_output=True, text=True
    )
    return set(found.stdout.split()) == {"idle"}


def cancel_all(cluster: Cluster) -> None:
    """End the jobs that a failed test left, so that none outlives the cluster."""
    if left := cluster.call("squeue", "--noheader", "--format=%i").split():
        subprocess.run(["scancel", *left], env=os.environ | cluster.environment, check=False)
        cluster.until(lambda: not cluster.call("squeue", "--noheader").strip(), 30, "the jobs are cancelled")


@contextmanager
def daemon(cluster: Cluster, command: list[str]) -> Iterator[None]:
    """A daemon in the foreground of its own process, stopped by its id."""
    with open(cluster.folder / f"{command[0]}.output.log", "w") as output:
        process = subprocess.Popen(
            [program(command[0]), *command[1:]],
            env=os.environ | cluster.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
