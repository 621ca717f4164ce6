# SPDX-License-Identifier: Apache-2.0
"""The same deeds on both engines: what `ps` prints, exit codes, the status of errors, `inspect`."""
import json
import re

import pytest

from conftest import REGISTRY

BUSYBOX, TOOLBOX, APP = (f"{REGISTRY}/{name}" for name in ("busybox", "toolbox", "toolbox:app"))

# Fields of a container's `inspect` at API 1.41 that must be the same on both engines.
FIELDS = """
Path Args Name RestartCount Platform MountLabel ProcessLabel ExecIDs State.Status State.Running
State.Paused State.Restarting State.OOMKilled State.Dead State.ExitCode State.Error
Config.User Config.AttachStdin Config.AttachStdout Config.AttachStderr Config.ExposedPorts Config.Tty
Config.OpenStdin Config.StdinOnce Config.Env Config.Cmd Config.Image Config.Volumes
Config.WorkingDir Config.Entrypoint Config.OnBuild Config.Labels Config.StopSignal
HostConfig.Binds HostConfig.ContainerIDFile HostConfig.LogConfig HostConfig.NetworkMode
HostConfig.PortBindings HostConfig.RestartPolicy HostConfig.AutoRemove HostConfig.VolumeDriver
HostConfig.VolumesFrom HostConfig.CapAdd HostConfig.CapDrop HostConfig.CgroupnsMode HostConfig.Dns
HostConfig.DnsOptions HostConfig.DnsSearch HostConfig.ExtraHosts HostConfig.GroupAdd
HostConfig.IpcMode HostConfig.Cgroup HostConfig.Links HostConfig.OomScoreAdj HostConfig.PidMode
HostConfig.Privileged HostConfig.PublishAllPorts HostConfig.ReadonlyRootfs HostConfig.SecurityOpt
HostConfig.UTSMode HostConfig.UsernsMode HostConfig.ShmSize HostConfig.ConsoleSize
HostConfig.Isolation HostConfig.CpuShares HostConfig.Memory HostConfig.NanoCpus
HostConfig.CpuPeriod HostConfig.CpuQuota HostConfig.CpusetCpus HostConfig.CpusetMems
HostConfig.Devices HostConfig.MemoryReservation HostConfig.MemorySwap
HostConfig.MemorySwappiness HostConfig.OomKillDisable HostConfig.PidsLimit HostConfig.Ulimits
HostConfig.BlkioWeight HostConfig.DeviceCgroupRules Config.Healthcheck
HostConfig.MaskedPaths HostConfig.ReadonlyPaths Mounts NetworkSettings.Ports
NetworkSettings.HairpinMode NetworkSettings.IPPrefixLen
""".split()

CONTAINERS = {
    "plain": ([BUSYBOX, "sh", "-c", "exit 0"]),
    "from the image": ([APP]),
    "everything changed": (["--entrypoint", "sh", "-e", "A=1", "-w", "/tmp", "-u", "1234:800", "-l",
                            "x=y", "--hostname", "box", "--read-only", "--cap-add", "NET_ADMIN",
                            "--cap-drop", "MKNOD", "--dns", "10.0.0.1", "--add-host", "a:10.0.0.2",
                            "--shm-size", "8m", "--tmpfs", "/t", "-v", "/etc:/bound:ro",
                            "--ulimit", "nofile=64:128", "--group-add", "7", APP, "-c", "exit 3"]),
    "limits": (["-m", "64m", "--cpus", "0.5", "--pids-limit", "50", "--cpu-shares", "200",
                "--memory-reservation", "32m", "--oom-score-adj", "100", BUSYBOX, "true"]),
    "a policy and a check": (["--restart", "on-failure:3", "--health-cmd", "true", "--health-interval",
                             "7s", "--health-retries", "2", BUSYBOX, "true"]),
    "more limits": (["--cpuset-cpus", "0", "--device-cgroup-rule",
                     "c 1:11 r", "--ipc", "shareable", "--stop-signal", "USR1", BUSYBOX, "true"]),
    "no network": (["--network", "none", BUSYBOX, "true"]),
    "a terminal": (["-t", "-i", BUSYBOX, "true"]),
}


# 20.10 repeats "default" where later ones, and Davit, name the network it stands for.
LATER = {"HostConfig.NetworkMode": {"default": "bridge"},
         # Every container of Davit has a cgroup namespace of its own, on hosts of version 1 too.
         "HostConfig.CgroupnsMode": {"host": "private"}}
# Davit may hide more than 20.10 knew of, never less.
AT_LEAST = ("HostConfig.MaskedPaths", "HostConfig.ReadonlyPaths")


def differences(ours, theirs, paths):
    found = {}
    for path in paths:
        left, right = field(ours, path), field(theirs, path)
        if path in AT_LEAST:
            left, right = sorted(set(right or []) - set(left or [])), []
        if left != right:
            found[path] = (left, right)
    return found


def field(value, path):
    for word in path.split("."):
        value = value.get(word, "<absent>") if isinstance(value, dict) else "<absent>"
    if value in (None, [], {}, "<absent>"):
        return None  # dockerd writes null, [], {} or nothing at all, by the code path it took
    return LATER.get(path, {}).get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("container", CONTAINERS)
def test_inspect_of_a_container_says_what_dockerd_says(docker, reference_cli, name, container):
    made = name()
    found = []
    for cli in (docker, reference_cli):
        cli("create", "--name", made, *CONTAINERS[container])
        found.append(cli.engine.get(f"/v1.41/containers/{made}/json"))
    differing = differences(*found, FIELDS)
    assert not differing, json.dumps(differing, indent=1)


@pytest.mark.parametrize("container", ["plain", "from the image", "everything changed", "no network"])
def test_inspect_after_the_end_says_what_dockerd_says(docker, reference_cli, name, container):
    made = name()
    found = []
    for cli in (docker, reference_cli):
        code = cli.run("run", "--name", made, *CONTAINERS[container]).code
        found.append((code, cli.engine.get(f"/v1.41/containers/{made}/json")))
    assert found[0][0] == found[1][0]
    differing = differences(found[0][1], found[1][1], FIELDS)
    assert not differing, json.dumps(differing, indent=1)


IMAGE_FIELDS = """Id RepoTags RepoDigests Parent Comment Created Architecture Os Config.User Config.Env
Config.Cmd Config.Entrypoint Config.WorkingDir Config.Labels Config.ExposedPorts Config.StopSignal
Config.Volumes RootFS""".split()


@pytest.mark.parametrize("image", [f"{BUSYBOX}:latest", f"{TOOLBOX}:latest", APP])
def test_inspect_of_an_image_says_what_dockerd_says(docker, reference_cli, image):
    ours, theirs = (cli.engine.get(f"/v1.41/images/{image}/json") for cli in (docker, reference_cli))
    differing = differences(ours, theirs, IMAGE_FIELDS)
    assert not differing, json.dumps(differing, indent=1)


def test_ps_prints_what_dockerds_prints(docker, reference_cli, name):
    running, ended, fresh = name("running"), name("ended"), name("fresh")
    tables = []
    for cli in (docker, reference_cli):
        cli("run", "-d", "--name", running, "-p", "127.0.0.1:18090:80", BUSYBOX, "sleep", "60")
        cli.run("run", "--name", ended, BUSYBOX, "sh", "-c", "exit 3")
        cli("create", "--name", fresh, BUSYBOX, "echo", "a long command line, cut", "in the table")
        text = re.sub(r"\b[0-9a-f]{12}\b", "<id>", cli("ps", "-a"))
        text = re.sub(r"(Less than a second|About a minute|\d+ \w+)( ago)?", "<time>", text)
        tables.append([re.sub(r" +", " ", line).strip() for line in text.splitlines()])
    assert tables[0] == tables[1]


FAILURES = {
    "no such command": ["run", "--rm", BUSYBOX, "no-such-command"],
    "no such path": ["run", "--rm", BUSYBOX, "/no/such/path"],
    "a directory": ["run", "--rm", BUSYBOX, "/etc"],
    "not executable": ["run", "--rm", BUSYBOX, "/etc/passwd"],
    "unknown flag": ["run", "--nonsense", BUSYBOX],
    "unknown user": ["run", "--rm", "-u", "stranger", BUSYBOX, "true"],
    "unknown network": ["run", "--rm", "--network", "nowhere", BUSYBOX, "true"],
    "bad name": ["create", "--name", "-x/", BUSYBOX],
    "bad port": ["run", "--rm", "-p", "99999:80", BUSYBOX, "true"],
    "bad memory": ["run", "--rm", "-m", "1k", BUSYBOX, "true"],
    "bad capability": ["run", "--rm", "--cap-add", "NONSENSE", BUSYBOX, "true"],
    "bad volume": ["run", "--rm", "-v", "/a:relative", BUSYBOX, "true"],
    "start of nothing": ["start", "no-such-container"],
    "stop of nothing": ["stop", "no-such-container"],
    "rm of nothing": ["rm", "no-such-container"],
    "logs of nothing": ["logs", "no-such-container"],
    "wait of nothing": ["wait", "no-such-container"],
    "exec in nothing": ["exec", "no-such-container", "true"],
    "rmi of nothing": ["rmi", f"{REGISTRY}/nothing"],
    "pull of nothing": ["pull", f"{REGISTRY}/nothing"],
    "pull of a bad name": ["pull", "UPPER/case"],
    "bad signal": ["kill", "-s", "NONSENSE", "no-such-container"],
}


@pytest.mark.parametrize("deed", FAILURES)
def test_a_failure_ends_with_dockerds_exit_code(docker, reference_cli, deed):
    ours, theirs = (cli.run(*FAILURES[deed]) for cli in (docker, reference_cli))
    assert ours.code == theirs.code, f"{ours}\n{theirs}"


# (method, path, body) whose status is compared; {id} is a container that was created, not started.
REQUESTS = [
    ("GET", "/containers/none/json", None), ("DELETE", "/containers/none", None),
    ("POST", "/containers/none/start", None), ("POST", "/containers/none/kill", None),
    ("POST", "/containers/none/exec", {"Cmd": ["true"]}), ("GET", "/containers/none/logs?stdout=1", None),
    ("POST", "/containers/none/wait", None), ("POST", "/containers/none/attach?stream=1", None),
    ("GET", "/images/none/json", None), ("DELETE", "/images/none", None), ("GET", "/exec/none/json", None),
    ("POST", "/exec/none/start", {"Detach": True}), ("GET", "/networks/none", None),
    ("POST", "/containers/create", {"Image": f"{REGISTRY}/none"}),
    ("POST", "/containers/create", {}), ("POST", "/containers/create", "{not json"),
    ("POST", "/containers/create?name=-bad-", {"Image": BUSYBOX}),
    ("POST", "/containers/create", {"Image": BUSYBOX, "HostConfig": {"Memory": 100}}),
    ("POST", "/containers/create", {"Image": BUSYBOX, "HostConfig": {"Binds": ["/a:b:c:d"]}}),
    ("POST", "/containers/create", {"Image": BUSYBOX, "HostConfig": {"NetworkMode": "nowhere"}}),
    ("POST", "/containers/create", {"Image": BUSYBOX, "HostConfig": {"PidsLimit": "many"}}),
    ("POST", "/containers/{id}/kill", None), ("POST", "/containers/{id}/stop", None),
    ("POST", "/containers/{id}/kill?signal=NONSENSE", None),
    ("POST", "/containers/{id}/exec", {"Cmd": ["true"]}), ("POST", "/containers/{id}/exec", {"Cmd": []}),
    ("GET", "/containers/{id}/logs", None), ("POST", "/containers/{id}/resize?h=x&w=1", None),
    ("GET", "/containers/{id}/json?size=nonsense", None), ("GET", "/containers/json?limit=x", None),
    ("GET", "/containers/json?filters=nonsense", None),
    ("GET", '/containers/json?filters={"nonsense":["x"]}', None),
    ("GET", "/nothing/here", None), ("POST", "/version", None), ("DELETE", "/containers/json", None),
    ("GET", "/_ping", None), ("HEAD", "/_ping", None), ("GET", "/version", None),
]


@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_a_request_has_dockerds_status(docker, reference_cli, name, number):
    method, path, body = REQUESTS[number]
    found = []
    for cli in (docker, reference_cli):
        made = name()
        identity = cli("create", "--name", made, BUSYBOX, "true")
        status, answer = cli.engine.request(method, "/v1.41" + path.replace("{id}", identity), body)
        found.append((status, answer))
    # 20.10 calls what it cannot read its own fault and a wrong method a missing page; later ones
    # say 400 and 405, and so does Davit.
    later = {500: 400, 404: 405 if (method, path) == ("POST", "/version") else 404}
    theirs = found[1][0]
    assert found[0][0] in (theirs, later.get(theirs)), f"{method} {path}: {found}"
    if found[1][0] >= 400 and isinstance(found[1][1], dict):
        assert isinstance(found[0][1], dict) and found[0][1].get("message"), found[0]
