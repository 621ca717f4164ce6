# SPDX-License-Identifier: Apache-2.0
"""Engines under test: davitd as it was built, and Debian's dockerd as the reference."""
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from harness.leaks import KINDS

CGROUP_V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
START_LIMIT = 30  # seconds; dockerd takes one, a sanitized davitd a few on a busy machine


class Engine:
    """A daemon with directories of its own in a sandbox. `start`, `stop`, `kill`, `request`."""

    name = ""
    gives_back = KINDS  # what must be as before once its containers and images are removed

    def __init__(self, sandbox, work, *flags):
        self.sandbox, self.work = sandbox, pathlib.Path(work)
        self.data, self.exec = self.work / "data", self.work / "exec"
        self.socket = self.work / "engine.sock"
        self.log = self.work / f"{self.name}.log"
        self.host = f"unix://{self.socket}"
        self.flags = list(flags)
        self.process = None
        self.warm = None  # the pid of the daemon that has been through a container's life

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.sandbox.enter(*self.command(), *self.flags), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment(), start_new_session=True)
        if wait:
            self.wait_until_it_answers()
        return self

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.request("GET", "/_ping")[0] == 200:
                    return
            except OSError:
                time.sleep(0.01)
        code = self.process.poll()
        raise RuntimeError(f"{self.name} does not answer (exit code {code}):\n{self.last_lines()}")

    def request(self, method, path, body=None, headers=None, timeout=60):
        """One HTTP request over the socket; returns (status, decoded JSON or text)."""
        status, text = self.request_raw(method, path, body, headers, timeout)
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def request_raw(self, method, path, body=None, headers=None, timeout=60):
        """The same; returns (status, bytes)."""
        connection = _UnixConnection(self.socket, timeout)
        try:
            sent = json.dumps(body) if isinstance(body, (dict, list)) else body
            given = {"Content-Type": "application/json"} if sent is not None else {}
            connection.request(method, path, sent, given | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, value = self.request("GET", path)
        assert status == 200, f"GET {path}: {status} {value}"
        return value

    def containers(self):
        return self.get("/v1.41/containers/json?all=1")

    def images(self):
        return self.get("/v1.41/images/json")

    def remove_containers(self):
        for one in self.containers():
            self.request("DELETE", f"/v1.41/containers/{one['Id']}?force=1&v=1")

    def remove_volumes(self):
        for one in self.get("/v1.41/volumes")["Volumes"] or []:
            self.request("DELETE", f"/v1.41/volumes/{one['Name']}?force=1")

    def remove_images_except(self, kept):
        """Removes what a test pulled; `kept` is a set of references."""
        for one in self.images():
            for reference in one.get("RepoTags") or one.get("RepoDigests") or []:
                if reference not in kept and not reference.startswith("<none>"):
                    self.request("DELETE", f"/v1.41/images/{reference}?force=1")

    def kill(self):
        """Ends the daemon alone, at once, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=20):
        """Ends the daemon as an operator would; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM")
        return self.process.returncode

    def last_lines(self, count=30):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except FileNotFoundError:
            return "(no log)"

    def cgroup_name(self):
        """What the directories of this engine's cgroups are called in every hierarchy."""
        raise NotImplementedError

    def cgroups(self):
        """{hierarchy: [paths]} of the cgroups that exist below this engine's own."""
        found = {}
        for hierarchy, parent in cgroup_parents():
            for own in parent.glob(f"*{self.cgroup_name()}*"):
                below = [os.path.relpath(folder, parent)  # walk: one may go while we look
                         for folder, _, _ in os.walk(own) if folder != str(own)]
                found.setdefault(hierarchy, []).extend(sorted(below))
        return found

    def processes(self):
        """The pids in this engine's cgroups: what it started and what runs in containers."""
        pids = set()
        for _, parent in cgroup_parents():
            for own in parent.glob(f"*{self.cgroup_name()}*"):
                for folder, _, _ in os.walk(own):  # walk: one may go while we look
                    try:
                        listing = pathlib.Path(folder, "cgroup.procs").read_text()
                        pids |= {int(word) for word in listing.split()}
                    except OSError:
                        pass  # gone since, or a threaded cgroup
        return pids

    def close(self):
        """Ends the daemon and everything that it left running."""
        if self.process and self.process.poll() is None:
            try:
                self.remove_containers()
            except OSError:
                pass
            try:
                self.stop()
            except AssertionError:
                pass
        for pid in self.processes() - {0}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _remove_cgroups(self.cgroup_name())


class Davitd(Engine):
    name = "davitd"

    def __init__(self, sandbox, work, build, *flags):
        super().__init__(sandbox, work, *flags)
        self.build = pathlib.Path(build)
        self.pidfile = self.work / "davitd.pid"

    def command(self):
        return [self.build / "bin/davitd", "--data-root", self.data, "--exec-root", self.exec,
                "--pidfile", self.pidfile, "-H", self.host]

    def cgroup_name(self):
        return hashlib.sha256(str(self.data).encode()).hexdigest()[:8]


class Dockerd(Engine):
    """Debian's dockerd 20.10, with the containerd that it starts itself."""

    name = "dockerd"
    # It keeps caches of what it pulled, and goroutines have no fixed number of threads.
    gives_back = ("link", "cgroup")

    def command(self):
        return ["dockerd", "--data-root", self.data, "--exec-root", self.exec, "-p",
                self.work / "dockerd.pid", "-H", self.host, "--oom-score-adjust", "0",
                "--cgroup-parent", self.cgroup_name(), "--log-level", "error"]

    def environment(self):
        return {**os.environ, "PATH": "/usr/sbin:" + os.environ.get("PATH", "/usr/bin:/bin")}

    def cgroup_name(self):
        return "dockerd-" + hashlib.sha256(str(self.data).encode()).hexdigest()[:8]


def limit_file(controller, v1, v2):
    """Where a container finds its limit: version 2 has one directory and other names."""
    return f"/sys/fs/cgroup/{v2}" if CGROUP_V2 else f"/sys/fs/cgroup/{controller}/{v1}"


def cgroup_parents():
    """[(hierarchy, directory)]: where the cgroups of this process's children appear."""
    mounts = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            mounts[fields.split()[4]] = set(options.split(",")) if kind == "cgroup" else {""}
    found = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for point, options in mounts.items():
            wanted = set(controllers.split(",")) if controllers else {""}
            if wanted <= options:
                for path in {pathlib.Path(point), pathlib.Path(point) / own.lstrip("/")}:
                    found[str(path)] = (controllers or "unified", path)
    return list(found.values())


def _remove_cgroups(name):
    for _, parent in cgroup_parents():
        for own in parent.glob(f"*{name}*"):
            for path in sorted([own, *[p for p in own.rglob("*") if p.is_dir()]], reverse=True):
                for _ in range(50):
                    try:
                        path.rmdir()
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.02)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)
