# SPDX-License-Identifier: Apache-2.0
"""Containers, their logs and their exit codes do not notice what becomes of davitd."""
import os
import signal
import time

import pytest

from conftest import REGISTRY

pytestmark = pytest.mark.davit_only
BUSYBOX, TOOLBOX = f"{REGISTRY}/busybox", f"{REGISTRY}/toolbox"


def restart(engine):
    engine.kill()
    engine.start()


def test_numbered_lines_through_twenty_kills_are_each_logged_once(docker, engine, name):
    counting, ending, removed = name("counting"), name("ending"), name("removed")
    docker("run", "-d", "--name", counting, TOOLBOX, "count", "1000", "0.01")
    docker("run", "-d", "--name", ending, BUSYBOX, "sh", "-c", "sleep 5; exit 7")
    docker("run", "-d", "--rm", "--name", removed, BUSYBOX, "sleep", "5")
    began = time.monotonic()
    for number in range(20):
        time.sleep(max(0.0, began + number * 0.5 - time.monotonic()))
        restart(engine)
    assert docker("wait", counting) == "0"
    assert docker("logs", counting).splitlines() == [f"line {n}" for n in range(1, 1001)]
    assert docker.inspect(ending)["State"]["ExitCode"] == 7
    docker.fails("inspect", removed, code=1)


def test_an_exit_while_davitd_is_down_is_known_right_after_the_start(docker, engine, name):
    ended, removed = name("ended"), name("removed")
    docker("run", "-d", "--name", ended, BUSYBOX, "sh", "-c", "sleep 0.5; exit 9")
    docker("run", "-d", "--rm", "--name", removed, BUSYBOX, "sleep", "0.5")
    engine.kill()
    time.sleep(1.2)
    engine.start()
    state = docker.inspect(ended)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 9)
    deadline = time.monotonic() + 2
    while docker.run("inspect", removed).code == 0:
        assert time.monotonic() < deadline, "--rm was forgotten over the restart"
        time.sleep(0.05)


def test_a_published_port_serves_while_davitd_is_down_and_after(docker, engine, name):
    made = name()
    docker("run", "-d", "--name", made, "-p", "127.0.0.1:18100:8080", TOOLBOX, "httpd", "-f", "-p",
           "8080", "-h", "/srv")
    fetch = ("curl", "-sS", "--retry", "10", "--retry-connrefused", "-m", "5",
             "http://127.0.0.1:18100/")
    assert engine.sandbox.run(*fetch) == "served by toolbox\n"
    engine.kill()
    assert engine.sandbox.run(*fetch) == "served by toolbox\n"
    engine.start()
    assert engine.sandbox.run(*fetch) == "served by toolbox\n"
    docker.fails("run", "--rm", "-p", "127.0.0.1:18100:80", BUSYBOX, "true", code=125)


def test_after_a_restart_everything_can_be_done_with_a_container(docker, engine, name):
    made = name()
    docker("run", "-d", "-i", "--name", made, TOOLBOX, "sh", "-c", "cat >/got; sleep 60")
    restart(engine)
    assert docker("exec", made, "echo", "exec works") == "exec works"
    assert docker.inspect(made)["State"]["Running"]
    assert docker("ps", "-q", "--no-trunc") == docker.inspect(made)["Id"]
    docker("stop", "-t", "0", made)
    assert docker.inspect(made)["State"]["ExitCode"] == 137
    docker("start", made)
    assert docker.inspect(made)["State"]["Running"]
    docker("rm", "-f", made)


def test_attach_works_the_same_after_a_restart(docker, engine, name):
    made = name()
    docker("run", "-d", "-i", "--name", made, BUSYBOX, "sh", "-c", "read line; echo got $line")
    restart(engine)
    process = docker.start("attach", made)
    process.stdin.write(b"a word\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"got a word\n"
    process.communicate()


def test_sigterm_leaves_containers_running(docker, engine, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    pid = docker.inspect(made)["State"]["Pid"]
    assert engine.stop() == 0
    engine.start()
    state = docker.inspect(made)["State"]
    assert state["Running"] and state["Pid"] == pid


def test_a_killed_monitor_is_noticed_and_leaves_no_process(docker, engine, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    pid = docker.inspect(made)["State"]["Pid"]
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        monitor = int(stat.read().rpartition(")")[2].split()[1])
    os.kill(monitor, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while docker.inspect(made)["State"]["Running"]:
        assert time.monotonic() < deadline, "the container still counts as running"
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
