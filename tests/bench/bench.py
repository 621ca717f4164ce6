# SPDX-License-Identifier: Apache-2.0
"""Measures Davit beside Debian's dockerd, each through its own command line.

Every table is of one run: the contestants take turns, exit codes are checked, medians are shown, back to
back and with 100 ms between two commands (grace periods of the kernel hide in tight loops). The floor is
`unshare` with a container's namespaces around the same program. Raw samples go to a JSON file.
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import everyday  # noqa: E402
from contestant import (BUSYBOX, CACHE, REGISTRY, TOP, Contestant, interleaved, run,  # noqa: E402
                        show)

FLOOR = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "/bin/busybox", "true"]
GAPS = {"back to back": 0.0, "100 ms gaps": 0.1}
# title: (words of the command line, at least so much faster than docker, reach for)
COMMANDS = {
    "run --rm --net none … true": (["run", "--rm", "--net", "none", BUSYBOX, "true"], 15, 40),
    "run --rm … true on the bridge": (["run", "--rm", BUSYBOX, "true"], 15, 40),
    "exec … true": (["exec", "bench", "true"], 10, 35),
}
PULL_MUST, PULL_REACH = 2, 4


def measure_commands(contestants, samples, results):
    for one in contestants:
        one("pull", BUSYBOX)
        one("run", "-d", "--name", "bench", BUSYBOX, "sleep", "1000000")
    for title, (words, must, reach) in COMMANDS.items():
        for mode, gap in GAPS.items():
            deeds = {one.name: lambda one=one, words=words: one(*words) for one in contestants}
            deeds["unshare"] = lambda: run(FLOOR, os.environ)
            taken = interleaved(deeds, samples, gap)
            show(f"{title}, {mode}", taken, must, reach)
            results.append({"title": title, "mode": mode, "samples": taken, "must": must,
                            "reach": reach})
    for one in contestants:
        one("rm", "-f", "bench")
        one("rmi", BUSYBOX)  # a pull counts only when every layer is missing


def measure_pull(contestants, image, samples, results):
    """A pull counts only when the registry served every layer."""
    reference = f"{REGISTRY}/{image}"
    layers = layers_of(image)

    def pull(one):
        since = one.registry.log.stat().st_size
        took = one("pull", reference)
        served = set(re.findall(r'"GET /v2/[^ ]*/blobs/(sha256:[0-9a-f]+)',
                                one.registry.log.read_bytes()[since:].decode(errors="replace")))
        missing = layers - served
        if missing:
            raise SystemExit(f"bench: {one.name} pulled {image} without asking for {missing}")
        one("rmi", reference)
        os.sync()  # what one leaves dirty must not fall on the other
        return took

    taken = interleaved({one.name: lambda one=one: pull(one) for one in contestants}, samples, 0)
    show(f"pull of {image}: {len(layers)} layers from loopback", taken, PULL_MUST, PULL_REACH)
    results.append({"title": f"pull {image}", "mode": "back to back", "samples": taken,
                    "must": PULL_MUST, "reach": PULL_REACH})


def layers_of(image):
    name, _, tag = image.partition(":")
    layout = CACHE / "layouts" / name
    index = json.loads((layout / "index.json").read_text())["manifests"]
    wanted = next(one for one in index
                  if one["annotations"]["org.opencontainers.image.ref.name"] == (tag or "latest"))
    manifest = json.loads((layout / "blobs" / wanted["digest"].replace(":", "/")).read_text())
    return {layer["digest"] for layer in manifest["layers"]}


def pss(pids):
    """KiB of proportional memory of these processes, and of their page tables."""
    memory = tables = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            memory += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            tables += int(re.search(r"^VmPTE:\s+(\d+)", status, re.M)[1])
    return memory, tables


def family(pid):
    """A daemon's process and its descendants' that are not in a container (containerd, shims)."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue += children.get(one, [])
    return found


def engine_processes(engine):
    """The engine's own processes: the daemon, what it started, its monitors; no container's program."""
    inside = {one["State"]["Pid"] for one in
              (engine.get(f"/v1.41/containers/{c['Id']}/json") for c in engine.containers())}
    own = set(family(engine.pid)) | engine.processes()
    for pid in list(own):  # shims are children of the first process, found by their containers
        if pid in inside:
            with contextlib.suppress(OSError):
                own.add(int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]))
    return own - inside - {0, 1}


def measure_memory(work, build, names, containers, results):
    print("\nmemory, proportional (PSS), KiB")
    print(f"  {'':8}{'idle 2 s after start':>24}{'after a pull and 20 runs':>28}{'per idle container':>22}")
    for name in names:
        place = work / f"memory-{name}"
        place.mkdir()
        one = Contestant(name, place, build)
        try:
            time.sleep(2)
            idle = pss(engine_processes(one.engine))[0]
            one("pull", BUSYBOX)
            for _ in range(20):
                one("run", "--rm", "--net", "none", BUSYBOX, "true")
            time.sleep(2)
            used = sum(pss(engine_processes(one.engine))[:1])
            before = sum(pss(engine_processes(one.engine)))
            for number in range(containers):
                one("run", "-d", "--name", f"idle{number}", "--net", "none", BUSYBOX, "sleep", "100000")
            time.sleep(2)
            each = (sum(pss(engine_processes(one.engine))) - before) / containers
            print(f"  {name:8}{idle:24}{used:28}{each:22.0f}")
            results.append({"title": "memory", "engine": name, "idle": idle, "used": used,
                            "per container": each, "must": {"idle": 8192, "used": 14336,
                                                            "per container": 400}})
        finally:
            one.close()
    print("  must be at most 8192, 14336 and 400; reach for 4096, 8192 and 120")


def machine():
    return {"kernel": platform.release(), "processors": os.cpu_count(),
            "memory": int(re.search(r"MemTotal:\s+(\d+)",
                                    pathlib.Path("/proc/meminfo").read_text())[1]),
            "docker": subprocess.run(["/usr/bin/docker", "--version"], capture_output=True,
                                     text=True, check=True).stdout.strip(),
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=30, help="of each command (default 30)")
    parser.add_argument("--pulls", type=int, help="of each pull (default: samples / 5, at least 1)")
    parser.add_argument("--pull-image", default="many-layers", help="NAME[:TAG] of a test image")
    parser.add_argument("--containers", type=int, default=20, help="idle ones whose memory is measured")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/release")
    parser.add_argument("--output", type=pathlib.Path, default=TOP / "build/bench.json")
    parser.add_argument("--engines", default="davit,docker", help="which take part")
    parser.add_argument("--parts", default="commands,pull,everyday,memory",
                        help="what is measured")
    parser.add_argument("--crowd", type=int, default=1000,
                        help="containers that the list of them has (default 1000)")
    chosen = parser.parse_args()
    names, parts = chosen.engines.split(","), chosen.parts.split(",")
    subprocess.run([TOP / "tests/images/build", "busybox", chosen.pull_image.partition(":")[0]],
                   check=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="davit-bench-", dir="/var/tmp"))
    results, contestants = [], []
    try:
        if {"commands", "pull", "everyday"} & set(parts):
            for name in names:
                contestants.append(Contestant(name, work, chosen.build))
            if "commands" in parts:
                measure_commands(contestants, chosen.samples, results)
            if "pull" in parts:
                measure_pull(contestants, chosen.pull_image,
                             chosen.pulls or max(1, chosen.samples // 5), results)
            if "everyday" in parts:
                everyday.measure(contestants, chosen.samples, chosen.crowd, results)
        while contestants:
            contestants.pop().close()
        if "memory" in parts:
            measure_memory(work, chosen.build, names, chosen.containers, results)
    finally:
        while contestants:
            contestants.pop().close()
        shutil.rmtree(work, ignore_errors=True)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))
    print(f"\nraw samples: {chosen.output}")


main()
