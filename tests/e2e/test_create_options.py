# SPDX-License-Identifier: Apache-2.0
"""Options of run and create that decide what a container shares, may use, and tells in its log."""
import os
import socket
import subprocess
import time

import pytest

from conftest import REGISTRY

BUSYBOX, TOOLBOX = f"{REGISTRY}/busybox", f"{REGISTRY}/toolbox"


def namespace(cli, made, kind):
    return os.readlink(f"/proc/{cli.inspect(made)['State']['Pid']}/ns/{kind}")


@pytest.fixture
def donor(cli, name):
    made = name("donor")
    cli("run", "-d", "--ipc", "shareable", "--name", made, BUSYBOX, "sleep", "300")
    return made


def test_pid_of_another_container(cli, donor, name):
    made = name()
    cli("run", "-d", "--pid", f"container:{donor}", "--name", made, BUSYBOX, "sh", "-c",
        "sleep 456 & exec sleep 123")
    assert namespace(cli, made, "pid") == namespace(cli, donor, "pid")
    seen = cli("exec", donor, "ps")
    assert "sleep 300" in seen and "sleep 123" in seen
    assert "sleep 456" in cli("exec", made, "ps")
    cli("kill", made)
    time.sleep(0.3)
    assert "sleep 456" not in cli("exec", donor, "ps")  # nothing of it is left in there
    assert cli.inspect(donor)["State"]["Running"]


def test_ipc_of_another_container(cli, donor, name):
    cli("exec", donor, "sh", "-c", "echo shared > /dev/shm/note")
    made = name()
    cli("run", "-d", "--ipc", f"container:{donor}", "--name", made, BUSYBOX, "sleep", "300")
    assert namespace(cli, made, "ipc") == namespace(cli, donor, "ipc")
    assert cli("exec", made, "cat", "/dev/shm/note") == "shared"
    private = name()
    cli("run", "-d", "--name", private, BUSYBOX, "sleep", "300")
    assert "non-shareable IPC" in cli.fails("run", "--rm", "--ipc", f"container:{private}", BUSYBOX,
                                            "true", code=125)


def test_ipc_none_has_no_shared_memory(cli):
    assert "/dev/shm" not in cli("run", "--rm", "--ipc", "none", BUSYBOX, "cat", "/proc/mounts")


def test_namespaces_of_the_host(cli, name, engine):
    made = name()
    cli("run", "-d", "--pid", "host", "--uts", "host", "--cgroupns", "host", "--userns", "host",
        "--name", made, BUSYBOX, "sleep", "300")
    for kind in ("pid", "uts", "cgroup", "user"):
        assert namespace(cli, made, kind) == os.readlink(f"/proc/{engine.pid}/ns/{kind}")
    cli("kill", made)


def test_joining_what_does_not_run_is_an_error(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX, "true")
    assert "non-running" in cli.fails("run", "--rm", "--pid", f"container:{made}", BUSYBOX, "true",
                                      code=125)
    assert "No such container" in cli.fails("run", "--rm", "--pid", f"container:{name('no')}",
                                            BUSYBOX, "true", code=125)


@pytest.mark.davit_only
@pytest.mark.parametrize("setting", ["vm.swappiness=1", "kernel.panic=1", "fs.file-max=1000"])
def test_a_sysctl_of_the_host_is_refused(davit, setting):
    assert "separate kernel namespace" in davit.fails("run", "--rm", "--sysctl", setting, BUSYBOX,
                                                      "true", code=125)
    assert "host network namespace" in davit.fails(
        "run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=1", BUSYBOX, "true",
        code=125)


def test_sysctls_of_its_own(cli):
    assert cli("run", "--rm", "--sysctl", "kernel.msgmax=9000", "--sysctl", "net.core.somaxconn=77",
               BUSYBOX, "cat", "/proc/sys/kernel/msgmax", "/proc/sys/net/core/somaxconn") == "9000\n77"


def test_a_directory_of_devices(cli, work):
    folder = work / "devices"
    (folder / "below").mkdir(parents=True, exist_ok=True)
    for path, minor in (("zero", 5), ("below/null", 3)):
        if not (folder / path).exists():
            subprocess.run(["mknod", folder / path, "c", "1", str(minor)], check=True)
    (folder / "file").touch()
    assert cli("run", "--rm", "--device", f"{folder}:/dev/mine", BUSYBOX, "sh", "-c",
               "head -c 3 /dev/mine/zero | wc -c; echo x > /dev/mine/below/null; ls /dev/mine") == \
        "3\nbelow\nzero"


def test_device_cgroup_rules(cli):
    rules = ["cat", "/sys/fs/cgroup/devices/devices.list"]
    assert "c 1:11 " not in cli("run", "--rm", BUSYBOX, *rules)
    assert "c 1:11 rwm" in cli("run", "--rm", "--device-cgroup-rule", "c 1:11 rwm", BUSYBOX, *rules)
    cli.fails("run", "--rm", "--device-cgroup-rule", "c 1 rwm", BUSYBOX, "true", code=125)


def test_annotations_are_shown(davit, name):
    made = name()
    davit("create", "--name", made, "--annotation", "who=me", BUSYBOX, "true")
    assert davit.inspect(made)["HostConfig"]["Annotations"] == {"who": "me"}


def test_limits_of_the_processor_and_swap(cli):
    assert cli("run", "--rm", "--cpuset-cpus", "0", "--cpu-shares", "300", "--memory-swappiness", "0",
               "-m", "64m", BUSYBOX, "cat",
               "/sys/fs/cgroup/cpuset/cpuset.cpus", "/sys/fs/cgroup/cpu/cpu.shares",
               "/sys/fs/cgroup/memory/memory.swappiness") == "0\n300\n0"


def test_logs_details(cli, name):
    made = name()
    cli("run", "--name", made, "-l", "a=label x", "-l", "other=no", "-e", "KEY=value", "-e", "ANY=1",
        "--log-opt", "labels=a", "--log-opt", "env=KEY", "--log-opt", "env-regex=^AN", "--log-opt",
        "tag={{.Name}}", "--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=1m", BUSYBOX,
        "echo", "text")
    assert cli("logs", made) == "text"
    assert cli("logs", "--details", made) == f"ANY=1,KEY=value,a=label+x,tag={made} text"


def attach(engine, made, query):
    """The bytes after the head of the answer, as a file."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(engine.socket))
    connection.sendall(f"POST /v1.41/containers/{made}/attach?{query} HTTP/1.1\r\nHost: x\r\n"
                       "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    stream = connection.makefile("rb")
    while stream.readline() != b"\r\n":
        pass
    return connection, stream


def test_attach_shows_what_was_there_first(engine, docker, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sh", "-c",
           "echo early; while ! test -e /go; do sleep 0.05; done; echo late")
    time.sleep(0.3)
    connection, stream = attach(engine, made, "logs=1&stream=1&stdout=1")
    with connection, stream:
        header = stream.read(8)
        assert header[0] == 1 and stream.read(header[7]) == b"early\n"
        docker("exec", made, "touch", "/go")
        header = stream.read(8)
        assert header[0] == 1 and stream.read(header[7]) == b"late\n"
    docker("wait", made)
    connection, stream = attach(engine, made, "logs=1&stdout=1")
    with connection, stream:
        text = stream.read()
    assert b"early\n" in text and b"late\n" in text


def test_files_of_variables_labels_and_the_id(cli, work, name):
    made = name()
    environment, labels, number = (work / f"{made}.{kind}" for kind in ("env", "label", "cid"))
    environment.write_text("# a comment\nA=1\nB=two words\n")
    labels.write_text("one=1\ntwo=\n")
    cli("create", "--name", made, "--env-file", environment, "--label-file", labels, "--cidfile",
        number, BUSYBOX, "true")
    shown = cli.inspect(made)
    assert number.read_text() == shown["Id"]
    assert {"A=1", "B=two words"} <= set(shown["Config"]["Env"])
    assert shown["Config"]["Labels"] == {"one": "1", "two": ""}


def test_stop_signal_and_timeout(cli, name):
    made = name()
    cli("run", "-d", "--name", made, "--stop-signal", "USR1", "--stop-timeout", "20", BUSYBOX, "sh",
        "-c", "trap 'exit 7' USR1; while :; do sleep 0.05; done")
    begin = time.monotonic()
    cli("stop", made)
    assert time.monotonic() - begin < 10
    assert cli.inspect(made)["State"]["ExitCode"] == 7
