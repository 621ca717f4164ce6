# SPDX-License-Identifier: Apache-2.0
"""A network and a mount namespace of one's own, and a neighbouring host on a cable.

An engine, its registry and the commands of a test run in here, so that many run side by side. The names
10.99.0.1 (this host) and 10.99.0.2 (the neighbour) are the same in every sandbox.
"""
import contextlib
import ctypes
import os
import pathlib
import subprocess
import threading

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000

# sysfs shows the network namespace of whoever mounted it: mounted anew, the cgroups moved over.
_OWN_SYS = """set -e
ip link set lo up
mount --rbind /sys/fs/cgroup "$1"
mount -t sysfs sysfs /sys
mount --rbind "$1" /sys/fs/cgroup
umount -l "$1"
echo ready
exec sleep infinity
"""


class Namespace:
    """Namespaces that a sleeping process holds open."""

    def __init__(self, script, *arguments, mount=True):
        kinds = ["--net"] + (["--mount", "--propagation", "private"] if mount else [])
        self.mount = mount
        self.holder = subprocess.Popen(["unshare", *kinds, "sh", "-c", script, "sh", *arguments],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"make namespaces: exit code {self.holder.wait()}")

    @property
    def pid(self):
        return self.holder.pid

    def enter(self, *words):
        """The command line that runs `words` in here; it becomes that program, with the same pid."""
        kinds = ["--net"] + (["--mount", f"--wd={os.getcwd()}"] if self.mount else [])
        return ["nsenter", "--target", str(self.pid), *kinds, "--", *map(str, words)]

    def run(self, *words, **options):
        """Runs a program in here to its end and returns its output; an exit code is an error."""
        done = subprocess.run(self.enter(*words), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=options.pop("timeout", 60), **options)
        if done.returncode:
            raise AssertionError(f"{' '.join(map(str, words))}: exit code {done.returncode}: "
                                 f"{done.stderr.strip()}")
        return done.stdout

    def network(self):
        return network_of(self.pid)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class Sandbox(Namespace):
    """One host for one engine, with a neighbour that reaches it over a cable."""

    address, neighbour_address = "10.99.0.1", "10.99.0.2"

    def __init__(self, work):
        cgroups = pathlib.Path(work) / "cgroups"
        cgroups.mkdir()
        super().__init__(_OWN_SYS, str(cgroups))
        cgroups.rmdir()
        self.neighbour = Namespace("ip link set lo up; echo ready; exec sleep infinity", mount=False)
        self.run("ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable0", "netns",
                 self.neighbour.pid)
        for host, address in ((self, self.address), (self.neighbour, self.neighbour_address)):
            host.run("ip", "address", "add", f"{address}/24", "dev", "cable0")
            host.run("ip", "link", "set", "cable0", "up")

    def mountinfo(self):
        return pathlib.Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()

    def close(self):
        self.neighbour.close()
        super().close()


@contextlib.contextmanager
def network_of(pid):
    """Sockets made within belong to the network namespace of this process (one thread is moved)."""
    home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(home)
        os.close(home)
        os.close(there)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "enter network namespace")
