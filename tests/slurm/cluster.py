"""A real Slurm cluster on this machine: munged, slurmctld and two slurmd on loopback, all in a scratch folder.

Nothing outside of the folder is touched, and what was started is ended by its process number.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
NODES = ("n1", "n2")
CPUS, MEGABYTES = 4, 8000  # that each node claims; the test is not about speed
HANG = 900  # seconds after which a wait is in vain, however busy the machine
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

# cred_expire: a requeued job waits for so long and more, by default two minutes.
CONFIGURATION = """\
ClusterName=wgf
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={megabytes}\n"
PARTITION = "PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=INFINITE\n"


class Unavailable(Exception):
    """There is no Slurm here, or it does not start."""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Cluster:
    """`with Cluster() as cluster:` starts it, or raises Unavailable; the end of the block ends it."""

    def __init__(self):
        missing = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
        if missing:
            raise Unavailable(f"{', '.join(missing)} not found (tools/setup.sh --test)")
        self.processes = [] # munged, slurmctld, a slurmd a node
        self.requeued = {} # when a restart of a job was first seen waiting
        self.folder = Path(tempfile.mkdtemp(prefix="wgf-slurm-"))
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM_", "SBATCH_"))}
        self.environment |= {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": PATH}

    def __enter__(self):
        try:
            self.configure()
            self.start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.cancel_all()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self):
        import pwd
        host = socket.gethostname().split(".")[0]
        ports = free_ports(1 + len(NODES))
        for name, mode in (("munge", 0o755), ("state", 0o700), *((f"spool-{node}", 0o755) for node in NODES)):
            (self.folder / name).mkdir(mode=mode)
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        text = CONFIGURATION.format(host=host, ports=ports, folder=self.folder, user=pwd.getpwuid(os.getuid()).pw_name)
        for node, port in zip(NODES, ports[1:]):
            text += NODE.format(name=node, host=host, port=port, cpus=CPUS, megabytes=MEGABYTES)
        (self.folder / "slurm.conf").write_text(text + PARTITION)

    def start_all(self):
        munge = self.folder / "munge"
        self.start("munged", "--foreground", "--force", f"--socket={munge}/socket",
                   f"--key-file={self.folder}/munge.key", f"--pid-file={munge}/pid",
                   f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        self.wait_for((munge / "socket").exists, "munged")
        self.start("slurmctld", "-D")
        for node in NODES:
            self.start("slurmd", "-D", "-N", node)
        self.wait_for(lambda: self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES), "idle nodes")

    def start(self, program, *arguments):
        with open(self.folder / f"{program}.out", "ab") as log:
            self.processes.append(subprocess.Popen([shutil.which(program, path=PATH), *arguments], env=self.environment,
                                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder))

    def cancel_all(self):
        """Ends the jobs that are left: who started them may have failed."""
        end = time.monotonic() + 20
        while len(self.processes) == 2 + len(NODES) and time.monotonic() < end:
            jobs = self.ask("squeue", "-h", "-o", "%A").split()
            if not jobs:
                break
            self.ask("scancel", "--signal=KILL", "--full", *jobs)
            self.ask("scancel", *jobs)
            time.sleep(0.5)

    def wait_for(self, truth, what):
        end = time.monotonic() + 120
        while not truth():
            ended = [process.args[0] for process in self.processes if process.poll() is not None]
            if ended or time.monotonic() > end:
                said = "".join(path.read_text(errors="replace")[-500:] for path in self.folder.glob("*.out"))
                raise Unavailable(f"{' '.join(ended) or what} did not come up: {said.strip()}")
            time.sleep(0.2)

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=HANG).stdout

    def submit(self, folder, *arguments, **environment):
        """sbatch; returns the job's number."""
        done = subprocess.run(["sbatch", "--parsable", *map(str, arguments)], env={**self.environment, **environment},
                              cwd=folder, capture_output=True, text=True, timeout=HANG)
        if done.returncode:
            raise RuntimeError(f"sbatch: {done.stderr}")
        return done.stdout.strip().split(";")[0]

    def tasks(self, job):
        """What `scontrol show job` says of a job, or of each task of an array: mappings."""
        lines = self.ask("scontrol", "-o", "show", "job", job).splitlines()
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobState=" in line]

    def hurry(self, task):
        """Lets a requeued job start; of its own it would wait for some twenty seconds. Not at once, as the nodes refuse
        what has the same second as the end before it."""
        if task["JobState"] != "PENDING" or task["Reason"] != "BeginTime":
            return
        since = self.requeued.setdefault((task["JobId"], task["Restarts"]), time.monotonic())
        if time.monotonic() - since > 3:
            self.ask("scontrol", "update", f"JobId={task['JobId']}", "StartTime=now")

    def wait(self, job):
        """Waits until the job is over, all tasks of an array, and returns what `tasks` says then."""
        end = time.monotonic() + HANG
        while time.monotonic() < end:
            tasks = self.tasks(job)
            for task in tasks:
                self.hurry(task)
            if tasks and all(task["JobState"] in ENDED for task in tasks):
                return tasks
            time.sleep(0.5)
        raise TimeoutError(f"job {job} is not over after {HANG} s: {[task['JobState'] for task in self.tasks(job)]}")
