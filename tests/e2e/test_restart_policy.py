# SPDX-License-Identifier: Apache-2.0
"""Restart policies: what starts again, when, how often, and what stays down."""
import time

import pytest

from conftest import REGISTRY

BUSYBOX = f"{REGISTRY}/busybox"


def state(cli, made):
    return cli.inspect(made)["State"]


def until(condition, timeout=10):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.03)


def count(cli, made):
    return cli.inspect(made)["RestartCount"]


def test_always_starts_again_with_more_patience_each_time(cli, name):
    made = name()
    cli("run", "-d", "--restart", "always", "--name", made, BUSYBOX, "cat", "/proc/uptime")
    until(lambda: count(cli, made) >= 4)
    cli("stop", made)
    began = [line.split()[0] for line in cli("logs", made).splitlines()]
    gaps = [float(b) - float(a) for a, b in zip(began, began[1:])]
    for gap, least in zip(gaps, (0.1, 0.2, 0.4)):
        assert gap >= least
    settled = count(cli, made)
    time.sleep(0.5)
    assert (state(cli, made)["Status"], count(cli, made)) == ("exited", settled)


def test_on_failure_counts(cli, name):
    made, clean = name(), name()
    cli("run", "-d", "--restart", "on-failure:2", "--name", made, BUSYBOX, "sh", "-c", "echo x; exit 4")
    cli("run", "-d", "--restart", "on-failure", "--name", clean, BUSYBOX, "true")
    until(lambda: count(cli, made) == 2 and state(cli, made)["Status"] == "exited")
    assert cli("logs", made) == "x\nx\nx"
    assert state(cli, made)["ExitCode"] == 4
    assert (count(cli, clean), state(cli, clean)["Status"]) == (0, "exited")
    cli("start", made)
    until(lambda: count(cli, made) == 2 and state(cli, made)["Status"] == "exited")


@pytest.mark.parametrize("how", [["stop"], ["kill"], ["kill", "-s", "TERM"]])
def test_what_is_stopped_by_hand_stays_down(cli, name, how):
    made = name()
    cli("run", "-d", "--restart", "always", "--name", made, BUSYBOX, "sh", "-c",
        "trap 'exit 3' TERM; while :; do sleep 0.05; done")
    cli(*how, made)
    until(lambda: not state(cli, made)["Running"])
    time.sleep(0.4)
    assert (state(cli, made)["Status"], count(cli, made)) == ("exited", 0)


def test_a_container_that_waits_for_its_start(cli, name):
    made = name()
    cli("run", "-d", "--restart", "always", "--name", made, BUSYBOX, "false")
    until(lambda: count(cli, made) >= 5)  # from here on it waits for seconds
    until(lambda: state(cli, made)["Restarting"])
    now = state(cli, made)
    assert (now["Status"], now["Running"], now["Pid"], now["ExitCode"]) == ("restarting", True, 0, 1)
    assert cli("ps", "--filter", "status=restarting", "--format", "{{.Names}}") == made
    assert "Restarting (1)" in cli("ps", "--format", "{{.Status}}")
    assert "is restarting" in cli.fails("exec", made, "true", code=1)
    assert "restarting" in cli.fails("rm", made, code=1)
    cli("stop", made)
    assert state(cli, made)["Status"] == "exited"
    cli("rm", made)


def test_restarting_containers_can_be_removed_by_force(cli, name):
    made = name()
    cli("run", "-d", "--restart", "always", "--name", made, BUSYBOX, "false")
    until(lambda: count(cli, made) >= 4)
    cli("rm", "-f", made)
    assert "No such" in cli.fails("inspect", "--type", "container", made, code=1)


def test_rm_and_a_policy_do_not_go_together(cli, name):
    assert "conflicting options" in cli.fails("run", "--rm", "--restart", "always", BUSYBOX, "true",
                                              code=125).lower()


def test_the_api_refuses_what_makes_no_sense(engine):
    for policy in ({"Name": "sometimes"}, {"Name": "always", "MaximumRetryCount": 2}):
        status, _ = engine.request("POST", "/v1.41/containers/create", {
            "Image": BUSYBOX, "HostConfig": {"RestartPolicy": policy}})
        assert status == 400
    status, _ = engine.request("POST", "/v1.41/containers/create", {
        "Image": BUSYBOX, "HostConfig": {"RestartPolicy": {"Name": "always"}, "AutoRemove": True}})
    assert status == 400


@pytest.mark.davit_only
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_policies_are_carried_out_when_the_daemon_comes_up(davit, engine, name, how):
    always, unless, stopped, failed, plain = (name() for _ in range(5))
    sleep = [BUSYBOX, "sleep", "300"]
    davit("run", "-d", "--restart", "always", "--name", always, *sleep)
    davit("run", "-d", "--restart", "unless-stopped", "--name", unless, *sleep)
    davit("run", "-d", "--restart", "unless-stopped", "--name", stopped, *sleep)
    davit("run", "-d", "--restart", "on-failure", "--name", failed, BUSYBOX, "sh", "-c",
          "sleep 1; exit 3")
    davit("run", "-d", "--name", plain, *sleep)
    davit("kill", always)  # by hand, which "always" forgets when the daemon starts
    davit("kill", stopped)
    alive = state(davit, unless)["Pid"]
    getattr(engine, how)()
    time.sleep(1.3)  # `failed` ends while nobody looks
    engine.start()
    until(lambda: state(davit, always)["Running"])
    until(lambda: count(davit, failed) >= 1)
    assert state(davit, unless)["Pid"] == alive
    assert state(davit, stopped)["Status"] == "exited"
    assert state(davit, plain)["Running"]


@pytest.mark.davit_only
def test_who_shares_a_network_starts_after_its_owner(davit, engine, name):
    owner, guest = name(), name()
    davit("run", "-d", "--restart", "always", "--name", owner, BUSYBOX, "sleep", "300")
    davit("run", "-d", "--restart", "always", "--name", guest, "--network", f"container:{owner}",
          BUSYBOX, "sleep", "300")
    davit("kill", guest)
    davit("kill", owner)
    engine.kill()
    engine.start()
    until(lambda: state(davit, owner)["Running"] and state(davit, guest)["Running"])
