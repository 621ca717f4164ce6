# SPDX-License-Identifier: Apache-2.0
"""The leak fixture itself: one planted leak of each kind is reported, and nothing once it is gone."""
import os
import socket
import subprocess

import pytest

from harness import leaks


def kinds_found(engine, before):
    return {kind for kind, _, _ in leaks.leaks(engine, before, patience=0.2)}


def test_without_a_leak_nothing_is_reported(engine):
    assert leaks.leaks(engine, leaks.snapshot(engine)) == []


def test_a_planted_mount_is_reported(engine):
    place = engine.work / "planted"
    place.mkdir()
    before = leaks.snapshot(engine)
    engine.sandbox.run("mount", "-t", "tmpfs", "none", place)
    assert kinds_found(engine, before) == {"mount"}
    engine.sandbox.run("umount", place)
    place.rmdir()
    assert leaks.leaks(engine, before) == []


def test_a_planted_network_namespace_is_reported(engine):
    before = leaks.snapshot(engine)
    engine.sandbox.run("ip", "netns", "add", "davit-planted")
    assert "network namespace" in kinds_found(engine, before)
    engine.sandbox.run("ip", "netns", "delete", "davit-planted")
    engine.sandbox.run("umount", "/run/netns")


def test_a_planted_link_is_reported(engine):
    before = leaks.snapshot(engine)
    engine.sandbox.run("ip", "link", "add", "planted0", "type", "bridge")
    assert kinds_found(engine, before) == {"link"}
    engine.sandbox.run("ip", "link", "delete", "planted0")


def test_a_planted_nft_table_is_reported(engine):
    before = leaks.snapshot(engine)
    engine.sandbox.run("nft", "add", "table", "inet", "planted")
    assert kinds_found(engine, before) == {"nft rule"}
    engine.sandbox.run("nft", "delete", "table", "inet", "planted")


def own_cgroup(engine):
    """A cgroup of this engine's in the pids hierarchy, or in the first that there is."""
    parents = leaks_parents()
    parent = parents.get("pids") or next(iter(parents.values()))
    found = list(parent.glob(f"*{engine.cgroup_name()}*"))
    place = found[0] if found else parent / engine.cgroup_name()
    place.mkdir(exist_ok=True)
    return place


def leaks_parents():
    from harness.engine import cgroup_parents
    return dict(cgroup_parents())


def test_a_planted_cgroup_is_reported(engine):
    place = own_cgroup(engine)
    before = leaks.snapshot(engine)
    (place / "planted").mkdir()
    assert kinds_found(engine, before) == {"cgroup"}
    (place / "planted").rmdir()


def test_a_planted_process_is_reported(engine):
    place = own_cgroup(engine)
    before = leaks.snapshot(engine)
    sleeper = subprocess.Popen(["sleep", "60"])
    (place / "cgroup.procs").write_text(str(sleeper.pid))
    try:
        assert kinds_found(engine, before) == {"process"}
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.davit_only
def test_a_connection_kept_open_is_reported_as_descriptor_and_thread(engine):
    before = leaks.snapshot(engine)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(engine.socket))
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        client.recv(4096)
        assert kinds_found(engine, before) == {"fd", "thread"}


def test_a_planted_directory_is_reported(engine):
    before = leaks.snapshot(engine)
    os.mkdir(engine.data / "planted")
    assert kinds_found(engine, before) == {"directory"}
    os.rmdir(engine.data / "planted")
