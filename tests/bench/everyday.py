# SPDX-License-Identifier: Apache-2.0
"""What people do all week: many ports, many containers at once, starts, lists, logs, a new daemon."""
import concurrent.futures
import os
import time

from contestant import BUSYBOX, interleaved, show

PORTS = 200       # published by one container
TOGETHER = 100    # containers started side by side
HANDS = 16        # command lines at a time
LINE = "x" * 99   # and its newline: 100 bytes
LOG_BYTES = 100_000_000
BACK_MS = 200     # davitd with `TOGETHER` running containers, from exec to the first answer


def measure(contestants, samples, crowd, results):
    """`samples` is what the quick measurements take; the long ones take a fifth, at least one. `crowd`
    is the length of the list, and a limit for everything else that there are many of."""
    few, ports, many = max(1, samples // 5), min(PORTS, crowd), min(TOGETHER, crowd)
    for one in contestants:
        one("pull", BUSYBOX)
    table("start of a stopped container", contestants, start_again, samples, 15, 40, results)
    table(f"{ports} published ports at once", contestants, lambda one: many_ports(one, ports), few, 100, 1000, results)
    table(f"{LOG_BYTES // 1_000_000} MB of 100-byte log lines", contestants, flood, few, 5, 8, results)
    table(f"{many} parallel run -d", contestants, lambda one: together(one, many), few, 10, 30, results)
    for one in contestants:
        fill(one, crowd)
    table(f"GET /containers/json with {crowd} containers", contestants, listed, samples, 10, 20, results)
    for one in contestants:
        one.engine.remove_containers()
    for one in contestants:
        if one.name == "davit":
            come_back(one, many, few, results)


def table(title, contestants, deed, samples, must, reach, results):
    taken = interleaved({one.name: lambda one=one: deed(one) for one in contestants}, samples, 0)
    show(title, taken, must, reach)
    results.append({"title": title, "mode": "back to back", "samples": taken, "must": must,
                    "reach": reach})


def start_again(one):
    """Seconds that `start` takes; the container has been made, run and ended before."""
    if not getattr(one, "stopped", None):
        one("create", "--name", "again", "--net", "none", BUSYBOX, "true")
        one.stopped = True
    took = one("start", "again")
    one("wait", "again")
    return took


def many_ports(one, count):
    took = one("run", "-d", "--name", "ports", "-p", f"20000-{19999 + count}:20000-{19999 + count}",
               BUSYBOX, "sleep", "100000")
    one("rm", "-f", "ports")
    return took


def flood(one):
    """From the first line to the recorded end of the program that wrote them."""
    words = f"yes {LINE} | head -c {LOG_BYTES}"
    began = time.perf_counter()
    one("run", "-d", "--name", "flood", "--net", "none", BUSYBOX, "sh", "-c", words)
    one("wait", "flood")
    took = time.perf_counter() - began
    one("rm", "-f", "flood")
    os.sync()  # what one leaves dirty must not fall on the other
    return took


def together(one, count):
    began = time.perf_counter()
    in_parallel(lambda n: one("run", "-d", "--name", f"many{n}", BUSYBOX, "sleep", "100000"), count)
    took = time.perf_counter() - began
    in_parallel(lambda n: one("rm", "-f", f"many{n}"), count)
    return took


def fill(one, crowd):
    def create(number):
        status, answer = one.engine.request("POST", f"/v1.41/containers/create?name=crowd{number}",
                                            {"Image": BUSYBOX, "Cmd": ["true"]})
        if status != 201:
            raise SystemExit(f"bench: create container {number} of {one.name}: {answer}")
    in_parallel(create, crowd)


def listed(one):
    began = time.perf_counter()
    status, body = one.engine.request_raw("GET", "/v1.41/containers/json?all=1")
    took = time.perf_counter() - began
    if status != 200 or body.count(b'"/crowd') < 1:
        raise SystemExit(f"bench: list of {one.name}: {status}")
    return took


def come_back(one, many, samples, results):
    """From the start of a davitd whose containers run on to its first answer."""
    in_parallel(lambda _: one("run", "-d", BUSYBOX, "sleep", "100000"), many)
    taken = []
    for _ in range(samples):
        one.engine.kill()
        began = time.perf_counter()
        one.engine.start()
        taken.append(time.perf_counter() - began)
        running = len(one.engine.get("/v1.41/containers/json"))
        if running != many:
            raise SystemExit(f"bench: {running} of {many} containers run after the restart")
    title = f"davitd back with {many} running containers"
    show(title, {one.name: taken}, 0, 0)
    print(f"  must be at most {BACK_MS} ms; reach for 50")
    results.append({"title": title, "samples": {one.name: taken}, "must": {"ms": BACK_MS}})
    in_parallel(lambda identity: one("rm", "-f", identity),
                [c["Id"] for c in one.engine.containers()])


def in_parallel(deed, numbers):
    """`deed` of each of `numbers` (a count, or a list), some at a time; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(deed, range(numbers) if isinstance(numbers, int) else numbers))
