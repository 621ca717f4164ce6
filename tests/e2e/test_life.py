# SPDX-License-Identifier: Apache-2.0
"""restart, pause, rename, top, port and prune, through every command line."""
import re
import time

import pytest

from conftest import REGISTRY

TOOLBOX, BUSYBOX = f"{REGISTRY}/toolbox", f"{REGISTRY}/busybox"
COUNTING = ["sh", "-c", "trap 'exit 3' TERM; n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"]


@pytest.fixture
def running(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, *COUNTING)
    return made


def events_of(cli, made, since):
    listed = cli("events", "--since", str(since), "--until", str(int(time.time()) + 1), "--filter",
                 f"container={made}", "--format", "{{.Action}}")
    return listed.split("\n")


def state(cli, made):
    return cli.inspect(made)["State"]


def test_restart_stops_and_starts_again(cli, running):
    since, before = int(time.time()), state(cli, running)
    assert cli("restart", running) == running
    after = state(cli, running)
    assert after["Running"] and after["Pid"] != before["Pid"]
    assert after["StartedAt"] > before["StartedAt"]
    seen = [action for action in events_of(cli, running, since) if not action.startswith("exec")]
    assert seen[-5:] == ["kill", "die", "stop", "start", "restart"]


def test_restart_kills_what_does_not_stop(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    begin = time.monotonic()
    cli("restart", "-t", "1", made)
    assert 0.9 < time.monotonic() - begin < 8
    assert state(cli, made)["Running"]
    cli("kill", made)


def test_restart_starts_what_does_not_run(cli, name):
    made = name()
    cli("run", "--name", made, BUSYBOX, "true")
    cli("restart", made)
    cli("wait", made)
    assert cli("logs", made) == ""


def test_restart_keeps_a_container_that_is_removed_at_its_end(cli, name):
    made = name()
    cli("run", "-d", "--rm", "--name", made, BUSYBOX, *COUNTING)
    cli("restart", made)
    time.sleep(0.3)
    assert state(cli, made)["Running"]
    cli("kill", made)


def test_pause_freezes_and_unpause_lets_go_on(cli, running):
    since = int(time.time())
    cli("pause", running)
    assert (state(cli, running)["Status"], state(cli, running)["Paused"]) == ("paused", True)
    assert "(Paused)" in cli("ps", "--filter", f"name={running}", "--format", "{{.Status}}")
    assert cli("ps", "-q", "--filter", "status=paused", "--filter", f"name={running}") != ""
    first = cli("logs", "--tail", "1", running)
    time.sleep(0.4)
    assert cli("logs", "--tail", "1", running) == first
    cli("unpause", running)
    time.sleep(0.4)
    assert int(cli("logs", "--tail", "1", running)) > int(first)
    assert (state(cli, running)["Status"], state(cli, running)["Paused"]) == ("running", False)
    assert [a for a in events_of(cli, running, since) if "pause" in a] == ["pause", "unpause"]


def test_what_is_paused_refuses_what_it_cannot_do(cli, running):
    cli("pause", running)
    assert "is already paused" in cli.fails("pause", running, code=1)
    assert "is paused, unpause the container before exec" in cli.fails("exec", running, "true", code=1)
    assert "cannot start a paused container" in cli.fails("start", running, code=1)
    assert "paused" in cli.fails("rm", running, code=1)
    cli("unpause", running)
    assert "is not paused" in cli.fails("unpause", running, code=1)


def test_stop_of_a_paused_container_is_as_polite_as_ever(cli, running):
    cli("pause", running)
    begin = time.monotonic()
    cli("stop", running)
    assert time.monotonic() - begin < 5
    assert (state(cli, running)["ExitCode"], state(cli, running)["Paused"]) == (3, False)


@pytest.mark.parametrize("how", [["kill"], ["rm", "-f"]])
def test_a_paused_container_can_be_killed(cli, running, how):
    cli("pause", running)
    cli(*how, running)
    if how == ["kill"]:
        assert state(cli, running)["ExitCode"] == 137


@pytest.mark.davit_only
def test_a_paused_container_stays_paused_over_a_crash_of_the_daemon(davit, engine, name):
    made = name()
    davit("run", "-d", "--name", made, BUSYBOX, *COUNTING)
    davit("pause", made)
    engine.kill()
    engine.start()
    assert state(davit, made)["Status"] == "paused"
    davit("unpause", made)
    first = int(davit("logs", "--tail", "1", made))
    time.sleep(0.4)
    assert int(davit("logs", "--tail", "1", made)) > first
    davit("stop", made)


def test_rename(cli, running, name):
    new = name("renamed")
    since = int(time.time())
    cli("rename", running, new)
    assert cli.inspect(new)["Name"] == "/" + new
    assert "No such" in cli.fails("inspect", "--type", "container", running, code=1)
    assert "rename" in events_of(cli, new, since)
    cli("create", "--name", running, BUSYBOX, "true")  # its old name is free
    assert "already in use" in cli.fails("rename", new, running, code=1)
    assert "Invalid container name" in cli.fails("rename", new, "a/b", code=1)
    assert "same name" in cli.fails("rename", new, new, code=1)


def test_top_shows_the_containers_processes_and_no_others(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sh", "-c", "sleep 321 & exec sleep 123")
    time.sleep(0.2)
    titles, *rows = cli("top", made).splitlines()
    assert titles.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(row.split(None, 7)[7] for row in rows) == ["sleep 123", "sleep 321"]
    titles, *rows = cli("top", made, "-o", "pid,args").splitlines()
    assert titles.split() == ["PID", "COMMAND"] and len(rows) == 2
    assert str(state(cli, made)["Pid"]) in [row.split()[0] for row in rows]
    assert "PID" in cli.fails("top", made, "-o", "args", code=1)
    cli("kill", made)
    assert "is not running" in cli.fails("top", made, code=1)


def test_port_shows_what_is_published(cli, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "127.0.0.1:18431:80", "-p", "127.0.0.1:18432:53/udp",
        BUSYBOX, "sleep", "300")
    # docker 20.10 lists them in no order.
    assert sorted(cli("port", made).splitlines()) == ["53/udp -> 127.0.0.1:18432",
                                                      "80/tcp -> 127.0.0.1:18431"]
    assert cli("port", made, "80") == cli("port", made, "80/tcp") == "127.0.0.1:18431"
    # docker 20.10 and davit name the protocol that is meant, docker 28 the port as it was given.
    assert re.search("no public port '53(/tcp)?'", cli.fails("port", made, "53", code=1).lower())


def test_prune_removes_what_does_not_run(cli, running, name):
    kept, gone = name("kept"), name("gone")
    cli("create", "--name", kept, "-l", "keep=yes", BUSYBOX, "true")
    cli("run", "--name", gone, BUSYBOX, "sh", "-c", "head -c 100000 /dev/zero > /file")
    said = cli("container", "prune", "-f", "--filter", "label!=keep")
    assert said.startswith("Deleted Containers:") and "Total reclaimed space: " in said
    assert "Total reclaimed space: 0B" not in said
    left = cli("ps", "-a", "--format", "{{.Names}}").split()
    assert running in left and kept in left and gone not in left
    assert cli("container", "prune", "-f", "--filter", "until=1h") == "Total reclaimed space: 0B"
    cli("container", "prune", "-f")
    assert cli("ps", "-a", "--format", "{{.Names}}") == running


def test_prune_asks_first(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX, "true")
    assert "[y/N]" in cli("container", "prune", stdin="n\n")
    assert cli.inspect(made)
    assert "Deleted Containers" in cli("container", "prune", stdin="y\n")
