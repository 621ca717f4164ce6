# SPDX-License-Identifier: Apache-2.0
"""Limits that change while a container runs, and the figures of what it uses."""
import json
import re
import time

import pytest

from conftest import REGISTRY

BUSYBOX = f"{REGISTRY}/busybox"
MIB = 1 << 20


@pytest.fixture
def running(cli, name):
    made = name()
    cli("run", "-d", "-m", "64m", "--name", made, BUSYBOX, "sleep", "300")
    return made


def limit(cli, made, hierarchy, file):
    return cli("exec", made, "cat", f"/sys/fs/cgroup/{hierarchy}/{file}")


def memory(cli, made):
    return int(limit(cli, made, "memory", "memory.limit_in_bytes"))


def test_update_changes_memory_now_and_for_the_next_start(cli, running):
    assert memory(cli, running) == 64 * MIB
    assert running in cli("update", "-m", "256m", "--memory-swap", "256m", running)
    assert memory(cli, running) == 256 * MIB
    assert cli.inspect(running)["HostConfig"]["Memory"] == 256 * MIB
    cli("restart", "-t", "0", running)
    assert memory(cli, running) == 256 * MIB


def test_update_changes_processors_and_processes(cli, running):
    cli("update", "--cpus", "0.5", "--pids-limit", "77", "--cpu-shares", "512", running)
    assert limit(cli, running, "cpu", "cpu.cfs_quota_us") == "50000"
    assert limit(cli, running, "cpu", "cpu.shares") == "512"
    assert limit(cli, running, "pids", "pids.max") == "77"
    cli("update", "--pids-limit", "-1", running)
    assert limit(cli, running, "pids", "pids.max") == "max"


def test_update_of_a_stopped_container_holds_at_its_start(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX, "sleep", "300")
    cli("update", "--pids-limit", "33", made)
    cli("start", made)
    assert limit(cli, made, "pids", "pids.max") == "33"
    cli("kill", made)


def test_update_refuses_what_makes_no_sense(cli, running):
    assert "6MB" in cli.fails("update", "-m", "1m", running, code=1)
    assert "memoryswap" in cli.fails("update", "-m", "1g", running, code=1)
    assert memory(cli, running) == 64 * MIB
    assert cli.inspect(running)["HostConfig"]["Memory"] == 64 * MIB


def test_update_of_the_restart_policy_is_live(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sh", "-c", "while ! test -e /go; do sleep 0.05; done; rm /go")
    cli("update", "--restart", "always", made)
    assert cli.inspect(made)["HostConfig"]["RestartPolicy"]["Name"] == "always"
    cli("exec", made, "touch", "/go")
    deadline = time.monotonic() + 10
    while cli.inspect(made)["RestartCount"] == 0 or not cli.inspect(made)["State"]["Pid"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    cli("update", "--restart", "no", made)
    cli("exec", made, "touch", "/go")
    cli("wait", made)
    time.sleep(0.4)
    assert cli.inspect(made)["State"]["Status"] == "exited"


def test_update_of_the_restart_policy_of_one_that_is_removed_is_refused(cli, name):
    made = name()
    cli("run", "-d", "--rm", "--name", made, BUSYBOX, "sleep", "300")
    assert "AutoRemove" in cli.fails("update", "--restart", "always", made, code=1)
    cli("kill", made)


@pytest.mark.davit_only
def test_what_was_updated_survives_a_crash(davit, engine, name):
    made = name()
    davit("run", "-d", "--name", made, BUSYBOX, "sleep", "300")
    davit("update", "--pids-limit", "44", "--restart", "unless-stopped", made)
    engine.kill()
    engine.start()
    host = davit.inspect(made)["HostConfig"]
    assert (host["PidsLimit"], host["RestartPolicy"]["Name"]) == (44, "unless-stopped")
    davit("kill", made)


def test_stats_shows_what_is_used(cli, name):
    made = name()
    cli("run", "-d", "-m", "64m", "--name", made, BUSYBOX, "sh", "-c", "while :; do :; done")
    shown = cli("stats", "--no-stream", "--format",
                "{{.Name}}|{{.ID}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}|{{.NetIO}}", made)
    title, number, processor, used, pids, network = shown.split("|")
    assert title == made and cli.inspect(made)["Id"].startswith(number)
    assert float(processor.rstrip("%")) > 1
    assert re.fullmatch(r"[\d.]+(B|KiB|MiB) / 64MiB", used) and pids == "1"
    assert re.fullmatch(r"[\d.]+k?M?B / [\d.]+k?M?B", network)
    table = cli("stats", "--no-stream")
    assert table.startswith("CONTAINER ID") and made in table
    cli("kill", made)


def test_stats_of_what_is_not_there(cli, name):
    assert "No such container" in cli.fails("stats", "--no-stream", name("nobody"), code=1)


def test_the_figures_of_the_api(engine, docker, name):
    made = name()
    docker("run", "-d", "-m", "64m", "--name", made, BUSYBOX, "sh", "-c",
           "dd if=/dev/zero of=/file bs=1M count=8 2>&-; while :; do :; done")
    time.sleep(0.3)
    both = engine.get(f"/v1.41/containers/{made}/stats?stream=0")
    used, before = both["cpu_stats"]["cpu_usage"], both["precpu_stats"]["cpu_usage"]
    assert used["total_usage"] > before["total_usage"] > 0
    assert both["cpu_stats"]["system_cpu_usage"] > both["precpu_stats"]["system_cpu_usage"]
    assert both["read"] > both["preread"] > "2000"
    assert both["memory_stats"]["limit"] == 64 * MIB > both["memory_stats"]["usage"] > 0
    assert both["memory_stats"]["stats"]["total_inactive_file"] >= 0
    assert both["pids_stats"]["current"] == 1
    assert both["networks"]["eth0"]["rx_packets"] >= 0
    assert both["name"] == "/" + made
    begin = time.monotonic()
    once = engine.get(f"/v1.41/containers/{made}/stats?stream=0&one-shot=1")
    assert time.monotonic() - begin < 0.9 and once["preread"].startswith("0001")
    docker("kill", made)
    none = engine.get(f"/v1.41/containers/{made}/stats?stream=0")
    assert none["read"].startswith("0001") and none["memory_stats"] == {}


def test_figures_keep_coming(engine, docker, name):
    from harness.engine import _UnixConnection
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "300")
    connection = _UnixConnection(engine.socket, 10)
    connection.request("GET", f"/v1.41/containers/{made}/stats")
    answer = connection.getresponse()
    first, second = json.loads(answer.readline()), json.loads(answer.readline())
    assert second["preread"] == first["read"] < second["read"]
    connection.close()
    docker("kill", made)
