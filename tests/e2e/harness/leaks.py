# SPDX-License-Identifier: Apache-2.0
"""What an engine holds of the kernel and of the disk, before and after a test.

A snapshot is {kind: Counter of things}. What is more afterwards than before is a leak, once the kernel
had its time: namespaces, links and cgroups go asynchronously.
"""
import collections
import json
import os
import pathlib
import re
import time

PATIENCE = 2.0  # seconds that the kernel gets
# Directories below the roots that are one thing each; deeper is a layer's own content.
DEPTH = 4
KINDS = ("mount", "network namespace", "link", "nft rule", "cgroup", "process", "fd", "thread",
         "directory")


def snapshot(engine):
    return {
        "mount": mounts(engine),
        "network namespace": network_namespaces(engine),
        "link": links(engine),
        "nft rule": nft_rules(engine),
        "cgroup": cgroups(engine),
        "process": processes(engine),
        "fd": descriptors(engine),
        "thread": threads(engine),
        "directory": directories(engine),
    }


def leaks(engine, before, patience=PATIENCE, kinds=KINDS):
    """[(kind, thing, count)] of what is there more often than `before`, after at most `patience` s."""
    deadline = time.monotonic() + patience
    while True:
        now = snapshot(engine)
        found = [(kind, thing, count) for kind, things in now.items() if kind in kinds
                 for thing, count in (things - before[kind]).items()]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def mounts(engine):
    """Every mount of the engine's namespace, and those of the host's that name its directories."""
    own = collections.Counter(map(_mount, engine.sandbox.mountinfo()))
    host = pathlib.Path("/proc/1/mountinfo").read_text().splitlines()
    return own + collections.Counter("host: " + _mount(line) for line in host
                                     if str(engine.work) in line)


def network_namespaces(engine):
    """Namespaces that a process of the engine's lives in, that davitd holds, or that are bound to a path."""
    found = set()
    for pid in engine.processes() | {engine.pid}:
        found.add(_link(f"/proc/{pid}/ns/net"))
    found |= {target for target in _descriptor_targets(engine.pid) if target.startswith("net:")}
    for line in engine.sandbox.mountinfo():
        if " - nsfs " in line and "net:[" in line.split()[3]:
            found.add(line.split()[3])
    own = {_link(f"/proc/{engine.sandbox.pid}/ns/net"), _link("/proc/self/ns/net"), ""}
    return collections.Counter(["network namespace"] * len(found - own))


def links(engine):
    listed = json.loads(engine.sandbox.run("ip", "-j", "link", "show") or "[]")
    return collections.Counter(one["ifname"] for one in listed)


def nft_rules(engine):
    """Tables, chains, maps with their elements, rules: one line each, without handles and counters."""
    listing = engine.sandbox.run("nft", "list", "ruleset")
    listing = re.sub(r"packets \d+ bytes \d+", "", listing)
    return collections.Counter(line.strip() for line in listing.splitlines() if line.strip(" }\t"))


def cgroups(engine):
    return collections.Counter(f"{hierarchy}: {path}" for hierarchy, paths in engine.cgroups().items()
                               for path in paths)


def processes(engine):
    named = collections.Counter()
    for pid in engine.processes():
        try:
            named[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] += 1
        except OSError:
            pass
    return named


def descriptors(engine):
    """The daemon's open descriptors by what they are; numbers of inodes and pids do not matter."""
    return collections.Counter(re.sub(r"\d{3,}|/proc/\d+/", "N", target)
                               for target in _descriptor_targets(engine.pid)
                               # A driver's file is opened at first use and stays open for ever.
                               if not re.search(r"/davit/drivers/[^/]*\.so$", target))


def threads(engine):
    try:
        return collections.Counter({"thread": len(os.listdir(f"/proc/{engine.pid}/task"))})
    except FileNotFoundError:
        return collections.Counter()


def directories(engine):
    found = collections.Counter()
    for root in (engine.data, engine.exec):
        top = str(root).count("/")
        for folder, inner, _ in os.walk(root):
            if folder.count("/") - top >= DEPTH:
                inner.clear()
            if folder != str(root):
                found[f"{root.name}/{os.path.relpath(folder, root)}"] += 1
    content = engine.data / "content" / "sha256"
    if content.is_dir():
        found.update(f"data/content/sha256/{name}" for name in os.listdir(content))
    return found


def _mount(line):
    fields, _, rest = line.partition(" - ")
    return f"{rest.split()[0]} on {fields.split()[4]}"


def _descriptor_targets(pid):
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return []
    return [target for target in (_link(f"/proc/{pid}/fd/{name}") for name in names) if target]


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
