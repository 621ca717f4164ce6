# SPDX-License-Identifier: Apache-2.0
"""Two containers see nothing of each other; one that reaches for the host finds nothing."""
import os

import pytest

from conftest import REGISTRY

TOOLBOX = f"{REGISTRY}/toolbox"


@pytest.fixture
def two(docker, name):
    """Two running containers, one of them busy with everything that could be seen."""
    one, other = name("one"), name("other")
    docker("run", "-d", "--name", one, TOOLBOX, "sh", "-c",
           "echo secret >/tmp/mine; echo x >/dev/shm/mine; sleep 4242")
    docker("run", "-d", "--name", other, TOOLBOX, "sleep", "60")
    return one, other


def test_neither_sees_the_others_processes(docker, two):
    assert "sleep 4242" in docker("exec", two[0], "ps")
    assert "4242" not in docker("exec", two[1], "ps")
    assert docker("exec", two[1], "pidof", "sleep") == "1"


def test_neither_can_signal_the_other(docker, two):
    pid = docker.inspect(two[0])["State"]["Pid"]
    docker.fails("exec", two[1], "kill", "-9", str(pid), code=1)
    docker("exec", two[1], "sh", "-c", "kill -9 -1; true")
    assert docker.inspect(two[0])["State"]["Running"]


def test_neither_sees_the_others_files(docker, two):
    assert docker("exec", two[0], "ls", "/tmp", "/dev/shm").count("mine") == 2
    assert "mine" not in docker("exec", two[1], "ls", "/tmp", "/dev/shm")


def test_neither_shares_a_namespace_with_the_other_or_the_host(docker, two):
    kinds = ("ipc", "mnt", "net", "pid", "uts")
    found = [[os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds] for pid in
             [*(docker.inspect(one)["State"]["Pid"] for one in two), docker.engine.sandbox.pid]]
    for kind, spaces in zip(kinds, zip(*found)):
        assert len(set(spaces)) == 3, kind


def test_neither_sees_the_others_links_or_listeners(docker, two):
    docker("exec", "-d", two[0], "nc", "-l", "-p", "7777")
    assert "7777" not in docker("exec", two[1], "netstat", "-ln")
    docker.fails("exec", two[1], "nc", "-w", "1", "127.0.0.1", "7777", code=1)


def test_neither_sees_the_others_mounts(docker, two, name, tmp_path):
    mounted = name()
    docker("run", "-d", "--name", mounted, "-v", f"{tmp_path}:/only-here", "--tmpfs", "/and-here",
           TOOLBOX, "sleep", "60")
    mounts = docker("exec", two[1], "cat", "/proc/mounts")
    assert "only-here" not in mounts and "and-here" not in mounts


def test_a_container_finds_nothing_of_the_hosts(docker, engine, two):
    mounts = docker("exec", two[1], "cut", "-d ", "-f5", "/proc/self/mountinfo").splitlines()
    assert not [point for point in mounts if point.startswith(str(engine.work))]
    for path in (engine.socket, engine.data, "/proc/1/root/work"):
        docker.fails("exec", two[1], "ls", str(path), code=1)
    assert "cable0" not in docker("exec", two[1], "ip", "-o", "link")


def test_a_container_cannot_reach_the_hosts_loopback(docker, engine, two):
    gateway = docker.inspect(two[1])["NetworkSettings"]["Gateway"]
    for address in ("127.0.0.1", gateway, engine.sandbox.address):  # the registry listens on loopback
        docker.fails("exec", two[1], "nc", "-w", "1", address, "5000", code=1)


def test_a_container_with_the_hosts_network_finds_no_abstract_socket_of_the_engines(docker):
    out = docker("run", "--rm", "--network", "host", TOOLBOX, "cat", "/proc/net/unix")
    assert not [line for line in out.splitlines() if "@" in line and "davit" in line]


def test_a_container_cannot_trace_or_open_the_descriptors_of_another(docker, two):
    pid = docker.inspect(two[0])["State"]["Pid"]
    docker.fails("exec", "--user", "root", two[1], "ls", f"/proc/{pid}/fd", code=1)
