# SPDX-License-Identifier: Apache-2.0
"""Who is measured, and how: engines that take turns, their command lines, and the tables."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests/e2e"), str(TOP / "tests/images")]
import registry as registries  # noqa: E402
from harness.engine import Davitd, Dockerd  # noqa: E402
from harness.sandbox import Sandbox  # noqa: E402

CACHE = pathlib.Path(os.environ.get("DAVIT_CACHE", "/var/cache/davit-test"))
REGISTRY = "127.0.0.1:5000"
BUSYBOX = f"{REGISTRY}/busybox:latest"


class Contestant:
    """An engine in a sandbox of its own, with its registry, and its command line."""

    def __init__(self, name, work, build):
        self.name = name
        place = work / name
        place.mkdir()
        self.sandbox = Sandbox(place)
        with self.sandbox.network():
            self.registry = registries.Registry(CACHE / "registry", place, 5000, readonly=True)
        if name == "davit":
            self.engine, program = Davitd(self.sandbox, place, build), build / "bin/davit"
        else:
            self.engine, program = Dockerd(self.sandbox, place), "/usr/bin/docker"
        self.words = [str(program), "-H", self.engine.host]
        self.environment = {**os.environ, "HOME": str(place), "DOCKER_CONFIG": str(place)}
        self.engine.start()

    def __call__(self, *words):
        return run([*self.words, *words], self.environment)

    def close(self):
        self.engine.close()
        self.registry.stop()
        self.sandbox.close()


def run(words, environment):
    """Runs a command to its end; returns the seconds it took. An exit code ends the bench."""
    silence = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, silence, 0), (os.POSIX_SPAWN_DUP2, silence, 1)]
    began = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - began
    os.close(silence)
    if status:
        raise SystemExit(f"bench: {' '.join(words)}: exit code {os.waitstatus_to_exitcode(status)}")
    return took


def interleaved(deeds, samples, gap):
    """{name: [seconds]}: each deed in turn, `samples` times, after one turn that does not count."""
    taken = {name: [] for name in deeds}
    names = list(deeds)
    for turn in range(samples + 1):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            time.sleep(gap)
            took = deeds[name]()
            if turn:
                taken[name].append(took)
    return taken


def show(title, taken, must, reach):
    middle = {name: statistics.median(times) * 1000 for name, times in taken.items()}
    print(f"\n{title} (median of {len(next(iter(taken.values())))}, ms)")
    for name, value in middle.items():
        spread = sorted(taken[name])
        line = f"  {name:8}{value:10.2f}   least {spread[0] * 1000:.2f}, most {spread[-1] * 1000:.2f}"
        if name == "davit" and "docker" in middle:
            ratio = middle["docker"] / value
            line += f"   {ratio:.1f}x docker's speed: must be {must}x, reach for {reach}x"
        print(line)
    sys.stdout.flush()
