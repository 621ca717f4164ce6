# SPDX-License-Identifier: Apache-2.0
"""davitd killed before its n-th system call, over every operation: nothing acknowledged is lost, and
nothing is left over once it is back."""
import contextlib
import os
import random
import signal
import subprocess

import pytest

from conftest import BUILD, REGISTRY
from harness import leaks

pytestmark = pytest.mark.davit_only
POINTS = int(os.environ.get("DAVIT_KILL_POINTS", "25"))
BUSYBOX, TOOLBOX, LAYERS = (f"{REGISTRY}/{name}" for name in ("busybox", "toolbox", "layers"))
V = "/v1.41"


class Tracer:
    """The system calls of an engine's threads, counted; at `last` it is killed."""

    def __init__(self, engine, last=None):
        words = [str(BUILD / "tests/syscall_killer"), str(engine.pid)]
        self.process = subprocess.Popen(words + ([str(last)] if last else []), text=True,
                                        stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def finish(self):
        """Ends the tracing; returns what it says: "N calls" or "killed before call N (…)"."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[0].strip()


class Operation:
    """One operation of the API: what it needs, what it asks, what must be true if it was acknowledged."""

    def __init__(self, engine):
        self.engine = engine

    def prepare(self):
        """Makes what the operation works on."""

    def perform(self):
        """Asks for it; returns the status and the answer."""
        raise NotImplementedError

    def check(self, acknowledged):
        """Looks at the result after a restart."""
        raise NotImplementedError

    def ask(self, method, path, body=None):
        return self.engine.request(method, V + path, body, timeout=30)

    def create(self, *command, image=TOOLBOX):
        status, answer = self.ask("POST", "/containers/create", {"Image": image, "Cmd": command})
        assert status == 201, answer
        return answer["Id"]

    def state(self, identity):
        status, answer = self.ask("GET", f"/containers/{identity}/json")
        return answer["State"] if status == 200 else None


class Pull(Operation):
    def perform(self):
        status, text = self.ask("POST", f"/images/create?fromImage={LAYERS}&tag=latest")
        return (500 if '"error"' in str(text) else status), text

    def check(self, acknowledged):
        status, _ = self.ask("GET", f"/images/{LAYERS}/json")
        if acknowledged:
            assert status == 200, "an image that was pulled is gone"
        if status == 200:
            identity = self.create("cat", "/data/last", image=LAYERS)
            assert self.ask("POST", f"/containers/{identity}/start")[0] == 204
            assert self.ask("POST", f"/containers/{identity}/wait")[1]["StatusCode"] == 0


class Create(Operation):
    def perform(self):
        status, answer = self.ask("POST", "/containers/create?name=swept",
                                  {"Image": BUSYBOX, "Cmd": ["true"]})
        self.identity = answer["Id"] if status == 201 else None
        return status, answer

    def check(self, acknowledged):
        if acknowledged:
            assert self.state(self.identity)["Status"] == "created"
        state = self.state("swept")
        if state:
            assert self.ask("POST", "/containers/swept/start")[0] == 204
            assert self.ask("POST", "/containers/swept/wait")[1]["StatusCode"] == 0


class Start(Operation):
    def prepare(self):
        self.identity = self.create("sleep", "300")

    def perform(self):
        return self.ask("POST", f"/containers/{self.identity}/start")

    def check(self, acknowledged):
        state = self.state(self.identity)
        assert state, "the container is gone"
        if acknowledged:
            assert state["Running"], state
        if not state["Running"]:  # never half: it starts now
            assert self.ask("POST", f"/containers/{self.identity}/start")[0] == 204
            assert self.state(self.identity)["Running"]


class Exec(Start):
    def prepare(self):
        super().prepare()
        assert super().perform()[0] == 204

    def perform(self):
        status, made = self.ask("POST", f"/containers/{self.identity}/exec",
                                {"Cmd": ["touch", "/mark"], "AttachStdout": True})
        if status != 201:
            return status, made
        return self.ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})

    def check(self, acknowledged):
        assert self.state(self.identity)["Running"], "exec cost the container its life"


class Stop(Exec):
    def perform(self):
        return self.ask("POST", f"/containers/{self.identity}/stop?t=1")

    def check(self, acknowledged):
        state = self.state(self.identity)
        if acknowledged:
            assert state["Status"] == "exited", state
        assert self.ask("POST", f"/containers/{self.identity}/stop?t=1")[0] in (204, 304)
        assert self.state(self.identity)["ExitCode"] == 137


class Remove(Operation):
    def prepare(self):
        self.identity = self.create("true")
        assert self.ask("POST", f"/containers/{self.identity}/start")[0] == 204
        assert self.ask("POST", f"/containers/{self.identity}/wait")[0] == 200

    def perform(self):
        return self.ask("DELETE", f"/containers/{self.identity}")

    def check(self, acknowledged):
        if acknowledged:
            assert self.state(self.identity) is None, "a removed container is back"


class Load(Pull):
    def prepare(self):
        assert super().perform()[0] == 200
        done = subprocess.run(
            self.engine.sandbox.enter(BUILD / "bin/davit", "-H", self.engine.host, "save", LAYERS),
            capture_output=True, check=True)
        self.archive = done.stdout
        self.ask("DELETE", f"/images/{LAYERS}?force=1")

    def perform(self):
        status, text = self.engine.request("POST", V + "/images/load?quiet=1", self.archive,
                                           {"Content-Type": "application/x-tar"}, timeout=30)
        return (500 if '"error"' in str(text) else status), text


class Commit(Operation):
    def prepare(self):
        self.identity = self.create("sh", "-c", "echo kept > /written")
        assert self.ask("POST", f"/containers/{self.identity}/start")[0] == 204
        assert self.ask("POST", f"/containers/{self.identity}/wait")[0] == 200

    def perform(self):
        return self.ask("POST", f"/commit?container={self.identity}&repo=swept&tag=1")

    def check(self, acknowledged):
        status, _ = self.ask("GET", "/images/swept:1/json")
        if acknowledged:
            assert status == 200, "an image that was committed is gone"
        if status == 200:
            identity = self.create("grep", "kept", "/written", image="swept:1")
            assert self.ask("POST", f"/containers/{identity}/start")[0] == 204
            assert self.ask("POST", f"/containers/{identity}/wait")[1]["StatusCode"] == 0


class VolumeCreate(Operation):
    def perform(self):
        return self.ask("POST", "/volumes/create", {"Name": "swept", "Labels": {"a": "b"}})

    def check(self, acknowledged):
        status, volume = self.ask("GET", "/volumes/swept")
        if acknowledged:
            assert status == 200 and volume["Labels"] == {"a": "b"}
        assert self.ask("POST", "/volumes/create", {"Name": "swept"})[0] == 201  # never half


class VolumeRemove(Operation):
    def prepare(self):
        assert self.ask("POST", "/volumes/create", {"Name": "swept"})[0] == 201
        self.use("echo kept > /v/file")

    def use(self, script):
        made = self.ask("POST", "/containers/create", {
            "Image": BUSYBOX, "Cmd": ["sh", "-c", script], "HostConfig": {"Binds": ["swept:/v"]}})
        identity = made[1]["Id"]
        assert self.ask("POST", f"/containers/{identity}/start")[0] == 204
        code = self.ask("POST", f"/containers/{identity}/wait")[1]["StatusCode"]
        assert self.ask("DELETE", f"/containers/{identity}?v=1")[0] == 204
        return code

    def perform(self):
        return self.ask("DELETE", "/volumes/swept")

    def check(self, acknowledged):
        status, _ = self.ask("GET", "/volumes/swept")
        assert not (acknowledged and status == 200), "a removed volume is back"
        if status == 200:
            assert self.use("grep kept /v/file") == 0, "a volume that is there has lost its files"


class CreateWithVolumes(Create):
    def perform(self):
        status, answer = self.ask("POST", "/containers/create?name=swept", {
            "Image": BUSYBOX, "Cmd": ["true"], "Volumes": {"/etc": {}, "/x": {}}})
        self.identity = answer["Id"] if status == 201 else None
        return status, answer

    def check(self, acknowledged):
        super().check(acknowledged)
        listed = self.ask("GET", "/volumes")[1]["Volumes"]
        assert len(listed) == (2 if self.state("swept") else 0), "volumes of nobody are left"


def clean(engine):
    engine.remove_containers()
    engine.remove_volumes()
    engine.request("DELETE", f"{V}/images/swept:1?force=1")
    engine.request("DELETE", f"{V}/images/{LAYERS}?force=1")


@pytest.mark.parametrize("kind", [Pull, Create, Start, Exec, Stop, Remove, Load, Commit,
                                  VolumeCreate, VolumeRemove, CreateWithVolumes])
def test_killed_at_any_system_call_nothing_is_lost_or_left(engine, kind, capsys):
    before = leaks.snapshot(engine)
    calls = min(count_calls(engine, kind) for _ in range(3))  # others on the host add waits
    step = max(1, calls // POINTS)
    offset = random.SystemRandom().randrange(step)
    points = [1 + offset + step * number for number in range(POINTS)]
    killed, leftovers = 0, []
    for point in points:
        killed += sweep_once(engine, kind, point)
        clean(engine)
        found = leaks.leaks(engine, before)
        leftovers += [(point, *one) for one in found]
    with capsys.disabled():
        print(f"\nkill sweep of {kind.__name__.lower()}: {calls} calls, {POINTS} points from "
              f"{points[0]} by {step}, killed at {killed}, leftovers: {leftovers or 'none'}")
    assert killed >= POINTS * 3 // 5, "the operation took fewer calls than it was counted to take"
    assert not leftovers


def count_calls(engine, kind):
    operation = kind(engine)
    operation.prepare()
    tracer = Tracer(engine)
    status, answer = operation.perform()
    calls = int(tracer.finish().split()[0])
    assert status < 300, answer
    operation.check(acknowledged=True)
    clean(engine)
    return calls


def sweep_once(engine, kind, point):
    """One kill; 1 if the point was reached. The engine answers again afterwards."""
    operation = kind(engine)
    operation.prepare()
    tracer = Tracer(engine, point)
    try:
        status, _ = operation.perform()
    except OSError:
        status = None
    except Exception as error:  # a truncated answer, as http.client puts it
        assert "IncompleteRead" in repr(error) or "BadStatusLine" in repr(error) or \
            "RemoteDisconnected" in repr(error), repr(error)
        status = None
    said = tracer.finish()
    if said.startswith("killed"):
        engine.process.wait()
        engine.start()
    try:
        operation.check(acknowledged=status is not None and status < 300)
    except AssertionError as error:
        raise AssertionError(f"{kind.__name__.lower()} {said}: {error}") from error
    return int(said.startswith("killed"))
