# SPDX-License-Identifier: Apache-2.0
"""Health checks: what is run, when, what it says of the container, and what is left of it."""
import time

import pytest

from conftest import REGISTRY

BUSYBOX = f"{REGISTRY}/busybox"
QUICK = ["--health-interval", "100ms"]


def health(cli, made):
    return cli.inspect(made)["State"].get("Health")


def until_status(cli, made, wanted, timeout=15):
    deadline = time.monotonic() + timeout
    while health(cli, made)["Status"] != wanted:
        assert time.monotonic() < deadline, health(cli, made)
        time.sleep(0.05)
    return health(cli, made)


def run(cli, made, *options, command="while :; do sleep 0.1; done"):
    cli("run", "-d", "--name", made, *options, BUSYBOX, "sh", "-c", command)


def test_a_container_becomes_healthy_and_unhealthy(cli, name):
    made, since = name(), int(time.time())
    run(cli, made, *QUICK, "--health-cmd", "echo looked; test -e /ok", "--health-retries", "2")
    assert health(cli, made)["Status"] == "starting"
    assert "(health: starting)" in cli("ps", "--filter", f"name={made}", "--format", "{{.Status}}")
    cli("exec", made, "touch", "/ok")
    now = until_status(cli, made, "healthy")
    assert now["FailingStreak"] == 0
    assert (now["Log"][-1]["ExitCode"], now["Log"][-1]["Output"]) == (0, "looked\n")
    assert "(healthy)" in cli("ps", "--filter", "health=healthy", "--format", "{{.Status}}")
    cli("exec", made, "rm", "/ok")
    now = until_status(cli, made, "unhealthy")
    assert now["FailingStreak"] >= 2 and now["Log"][-1]["ExitCode"] == 1
    assert "(unhealthy)" in cli("ps", "--filter", "health=unhealthy", "--format", "{{.Status}}")
    time.sleep(0.5)
    assert len(health(cli, made)["Log"]) == 5
    events = cli("events", "--since", str(since), "--until", str(int(time.time()) + 1), "--filter",
                 f"container={made}", "--format", "{{.Action}}").split("\n")
    told = [event for event in events if event.startswith("health_status")]
    assert told[-2:] == ["health_status: healthy", "health_status: unhealthy"]
    cli("kill", made)


def test_a_probe_that_takes_too_long_is_killed(cli, name):
    made = name()
    run(cli, made, *QUICK, "--health-cmd", "exec sleep 77", "--health-timeout", "200ms",
        "--health-retries", "1")
    now = until_status(cli, made, "unhealthy")
    assert now["Log"][0]["ExitCode"] == -1
    assert now["Log"][0]["Output"].startswith("Health check exceeded timeout")
    assert cli("exec", made, "ps").count("sleep 77") <= 1
    cli("kill", made)


def test_much_output_is_cut_and_does_not_block(cli, name):
    made = name()
    run(cli, made, *QUICK, "--health-cmd", "yes | head -c 1000000")
    now = until_status(cli, made, "healthy")
    assert len(now["Log"][0]["Output"]) == 4096
    cli("kill", made)


def test_failures_of_the_start_period_do_not_count(cli, name):
    made = name()
    run(cli, made, *QUICK, "--health-cmd", "false", "--health-retries", "1",
        "--health-start-period", "60s")
    time.sleep(1)
    assert (health(cli, made)["Status"], health(cli, made)["FailingStreak"]) == ("starting", 0)
    cli("kill", made)


def test_a_program_that_is_not_there_makes_it_unhealthy(engine, docker, name):
    made = name()
    status, _ = engine.request("POST", f"/v1.41/containers/create?name={made}", {
        "Image": BUSYBOX, "Cmd": ["sleep", "300"],
        "Healthcheck": {"Test": ["CMD", "/no/such"], "Interval": 100_000_000, "Retries": 1}})
    assert status == 201
    docker("start", made)
    assert "no such file" in until_status(docker, made, "unhealthy")["Log"][0]["Output"].lower()
    docker("kill", made)


def test_no_healthcheck(cli, name):
    made = name()
    run(cli, made, "--no-healthcheck")
    assert health(cli, made) is None
    assert made in cli("ps", "--filter", "health=none", "--format", "{{.Names}}").split()
    cli("kill", made)


def test_a_paused_container_is_not_probed(cli, name):
    made = name()
    run(cli, made, *QUICK, "--health-cmd", "true")
    until_status(cli, made, "healthy")
    cli("pause", made)
    time.sleep(0.3)
    last = health(cli, made)["Log"][-1]["Start"]
    time.sleep(0.5)
    assert health(cli, made)["Log"][-1]["Start"] == last
    cli("unpause", made)
    time.sleep(0.5)
    assert health(cli, made)["Log"][-1]["Start"] > last
    cli("kill", made)


def test_every_start_begins_anew(cli, name):
    made = name()
    run(cli, made, *QUICK, "--health-cmd", "true")
    until_status(cli, made, "healthy")
    cli("restart", "-t", "0", made)
    until_status(cli, made, "healthy")
    cli("kill", made)


@pytest.mark.davit_only
def test_checks_go_on_after_a_crash_of_the_daemon(davit, engine, name):
    made = name()
    run(davit, made, *QUICK, "--health-cmd", "test ! -e /bad", "--health-retries", "1")
    until_status(davit, made, "healthy")
    engine.kill()
    engine.start()
    assert health(davit, made)["Status"] == "healthy"
    davit("exec", made, "touch", "/bad")
    until_status(davit, made, "unhealthy")
    davit("kill", made)


@pytest.mark.davit_only
def test_checks_cost_no_threads(davit, engine, name):
    from harness import leaks
    before = sum(leaks.threads(engine).values())
    made = [name() for _ in range(8)]
    for one in made:
        run(davit, one, "--health-interval", "60s", "--health-cmd", "true")
    time.sleep(1.5)  # workers without work end
    assert sum(leaks.threads(engine).values()) <= before + 1
    davit("kill", *made)
