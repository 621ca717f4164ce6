# SPDX-License-Identifier: Apache-2.0
"""`run` through every command line: what it prints, how it ends, what it leaves."""
import json
import signal
import time

import pytest

from conftest import REGISTRY
from harness.engine import CGROUP_V2, limit_file

TOOLBOX, BUSYBOX, APP = (f"{REGISTRY}/{name}" for name in ("toolbox", "busybox", "toolbox:app"))


def test_run_prints_what_the_program_prints(cli):
    done = cli.run("run", "--rm", BUSYBOX, "sh", "-c", "echo to stdout; echo to stderr >&2")
    assert (done.code, done.out, done.err) == (0, "to stdout\n", "to stderr\n")


@pytest.mark.parametrize("code", [0, 1, 3, 125, 126, 127, 255])
def test_run_ends_with_the_exit_code_of_the_program(cli, code):
    assert cli.run("run", "--rm", BUSYBOX, "sh", "-c", f"exit {code}").code == code


def test_run_of_a_missing_program_ends_with_127(cli):
    assert "no such file" in cli.fails("run", "--rm", BUSYBOX, "/no/such/program", code=127).lower() \
        or "not found" in cli.fails("run", "--rm", BUSYBOX, "/no/such/program", code=127).lower()


def test_run_of_a_name_that_is_not_in_the_path_ends_with_127(cli):
    cli.fails("run", "--rm", BUSYBOX, "no-such-program", code=127)


def test_run_of_a_file_that_is_no_program_ends_with_126(cli):
    assert "permission denied" in cli.fails("run", "--rm", BUSYBOX, "/etc/passwd", code=126)


def test_run_with_an_unknown_flag_ends_with_125(cli):
    assert "unknown flag" in cli.fails("run", "--no-such-flag", BUSYBOX, code=125)


def test_run_of_an_image_that_no_registry_has_ends_with_125(cli):
    cli.fails("run", "--rm", f"{REGISTRY}/no-such-image", "true", code=125)


@pytest.mark.parametrize("sent, code", [("KILL", 137), ("TERM", 143), ("INT", 130)])
def test_run_ends_with_128_and_the_signal(cli, name, sent, code):
    made = name()
    process = cli.start("run", "--rm", "--name", made, BUSYBOX, "sh", "-c",
                        "echo up; exec sleep 60")
    assert process.stdout.readline() == b"up\n"
    if sent != "KILL":  # pid 1 ignores what it does not handle, unless it comes from outside with KILL
        made = name()
        process.kill()
        process.communicate()
        process = cli.start("run", "--rm", "--init", "--name", made, BUSYBOX, "sh", "-c",
                            "echo up; exec sleep 60")
        assert process.stdout.readline() == b"up\n"
    cli("kill", "-s", sent, made)
    process.communicate(timeout=20)
    assert process.returncode == code


def test_run_passes_a_signal_on_to_the_program(cli):
    process = cli.start("run", "--rm", BUSYBOX, "sh", "-c",
                        "trap 'echo got it; exit 7' TERM; echo up; while :; do sleep 0.1; done")
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (7, b"got it\n")


def test_run_interactive_feeds_stdin_to_its_end(cli):
    text = "".join(f"line {number}\n" for number in range(5000))
    done = cli.run("run", "--rm", "-i", BUSYBOX, "cat", stdin=text)
    assert (done.code, done.out) == (0, text)


def test_run_without_interactive_gives_the_program_no_stdin(cli):
    assert cli("run", "--rm", BUSYBOX, "wc", "-c", stdin="unseen") == "0"


def test_run_loses_nothing_when_its_reader_is_slow(cli):
    process = cli.start("run", "--rm", BUSYBOX, "seq", "1", "200000")
    time.sleep(1)
    out, _ = process.communicate(timeout=60)
    assert out == "".join(f"{number}\n" for number in range(1, 200001)).encode()


def test_run_on_a_terminal_shows_the_size_and_restores_the_modes(cli):
    screen = cli.terminal("run", "--rm", "-it", BUSYBOX, "sh", rows=31, columns=97)
    try:
        screen.wait_for("#")
        screen.type("stty size; tty\n")
        screen.wait_for("31 97")
        screen.wait_for("/dev/pts/0")
        screen.resize(40, 120)
        time.sleep(0.3)
        screen.type("stty size\n")
        screen.wait_for("40 120")
        screen.type("exit 5\n")
        assert screen.ended() == 5
        assert screen.restored()
    finally:
        screen.close()


def test_run_on_a_terminal_detaches_on_the_keys_and_restores_the_modes(cli, name):
    made = name()
    screen = cli.terminal("run", "-it", "--name", made, BUSYBOX, "sh")
    try:
        screen.wait_for("#")
        screen.type("\x10\x11")
        assert screen.ended() == 0
        assert screen.restored()
        assert cli.inspect(made)["State"]["Running"]
    finally:
        screen.close()


def test_run_on_a_terminal_ends_the_program_on_ctrl_c(cli):
    screen = cli.terminal("run", "--rm", "-it", BUSYBOX, "sh", "-c",
                          "trap 'exit 9' INT; echo up; while :; do sleep 0.1; done")
    try:
        screen.wait_for("up")
        screen.type("\x03")
        assert screen.ended() == 9
        assert screen.restored()
    finally:
        screen.close()


def test_run_detached_prints_the_id_and_runs_on(cli, name):
    made = name()
    identity = cli("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    assert len(identity) == 64 and cli.inspect(made)["Id"] == identity
    assert cli.inspect(made)["State"]["Running"]


def test_run_with_rm_leaves_no_container(cli, engine, name):
    made = name()
    cli("run", "--rm", "--name", made, BUSYBOX, "true")
    assert not any(f"/{made}" in one["Names"] for one in engine.containers())


def test_run_detached_with_rm_leaves_no_container_once_it_ends(cli, engine, name):
    cli("run", "-d", "--rm", "--name", name(), BUSYBOX, "true")
    deadline = time.monotonic() + 10
    while engine.containers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine.containers() == []


def test_run_pulls_an_image_that_is_missing(cli, engine):
    done = cli.run("run", "--rm", f"{REGISTRY}/layers", "cat", "/data/last")
    assert (done.code, done.out) == (0, "from gzip\n")
    assert "Unable to find image" in done.err


def test_run_with_a_name_in_use_ends_with_125(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX)
    assert "already in use" in cli.fails("run", "--name", made, BUSYBOX, "true", code=125)


def test_run_writes_the_id_to_the_cidfile(cli, name, tmp_path):
    made = name()
    cli("run", "--name", made, "--cidfile", str(tmp_path / "cid"), BUSYBOX, "true")
    assert (tmp_path / "cid").read_text().strip() == cli.inspect(made)["Id"]


# What the image says, and what the command line changes of it.

def test_run_takes_entrypoint_command_user_and_directory_from_the_image(cli):
    assert cli("run", "--rm", APP) == "entry default"
    assert cli("run", "--rm", APP, "given") == "entry given"
    assert cli("run", "--rm", "--entrypoint", "pwd", APP) == "/home/app"
    assert cli("run", "--rm", "--entrypoint", "id", APP, "-u") == "1234"


def test_run_sets_the_environment(cli):
    out = cli("run", "--rm", "-e", "ONE=1", "-e", "FROM_HERE", "-e", "COLOUR=red", "--entrypoint",
              "env", APP, FROM_HERE="passed on")
    lines = out.splitlines()
    assert {"ONE=1", "FROM_HERE=passed on", "COLOUR=red", "EMPTY="} <= set(lines)
    assert "COLOUR=blue" not in lines


def test_run_reads_an_environment_file(cli, tmp_path):
    (tmp_path / "env").write_text("# a comment\nA=1\nB=two words\n")
    out = cli("run", "--rm", "--env-file", str(tmp_path / "env"), BUSYBOX, "env")
    assert {"A=1", "B=two words"} <= set(out.splitlines())


def test_run_makes_the_working_directory(cli):
    assert cli("run", "--rm", "-w", "/made/for/me", BUSYBOX, "pwd") == "/made/for/me"


@pytest.mark.parametrize("user, uid, gid, groups", [
    ("app", 1234, 1234, {1234, 800}), ("1234", 1234, 1234, {1234, 800}),
    ("app:web", 1234, 800, {800}), ("4321", 4321, 0, {0}), ("7:8", 7, 8, {8}),
    ("root", 0, 0, {0}), ("nobody:web", 65534, 800, {800})])
def test_run_as_a_user(cli, user, uid, gid, groups):
    out = cli("run", "--rm", "-u", user, TOOLBOX, "sh", "-c", "id -u; id -g; id -G").splitlines()
    assert (int(out[0]), int(out[1]), set(map(int, out[2].split()))) == (uid, gid, groups)


def test_run_adds_groups(cli):
    groups = cli("run", "--rm", "-u", "7:8", "--group-add", "web", "--group-add", "99", TOOLBOX,
                 "id", "-G").split()
    assert {"8", "800", "99"} <= set(groups)


def test_run_as_an_unknown_user_ends_with_125_or_126(cli):
    assert cli.run("run", "--rm", "-u", "stranger", BUSYBOX, "true").code in (125, 126)


def test_run_with_a_hostname(cli):
    out = cli("run", "--rm", "--hostname", "box", BUSYBOX, "sh", "-c",
              "hostname; cat /etc/hostname; grep -c box /etc/hosts")
    assert out.splitlines() == ["box", "box", "1"]


def test_run_adds_hosts(cli):
    out = cli("run", "--rm", "--add-host", "db:10.1.2.3", BUSYBOX, "cat", "/etc/hosts")
    assert "10.1.2.3\tdb" in out


def test_run_sets_name_servers(cli):
    out = cli("run", "--rm", "--dns", "10.9.8.7", "--dns-search", "example.org", BUSYBOX, "cat",
              "/etc/resolv.conf")
    assert "nameserver 10.9.8.7" in out and "search example.org" in out


def test_run_sets_labels(cli, name):
    made = name()
    cli("create", "--name", made, "-l", "one=1", "--label", "two", APP)
    assert cli.inspect(made)["Config"]["Labels"] == {"davit.test": "yes", "one": "1", "two": ""}


# Files.

def test_run_read_only_refuses_writes_to_the_root(cli):
    out = cli.fails("run", "--rm", "--read-only", BUSYBOX, "touch", "/file", code=1)
    assert "Read-only file system" in out


def test_run_read_only_with_a_tmpfs_can_write_there(cli):
    out = cli("run", "--rm", "--read-only", "--tmpfs", "/scratch:size=1m,mode=1770", BUSYBOX, "sh",
              "-c", "touch /scratch/file && stat -c %a /scratch && grep -o 'size=1024k' /proc/mounts")
    assert out.splitlines() == ["1770", "size=1024k"]


def test_run_binds_a_directory(cli, tmp_path):
    (tmp_path / "in").write_text("from the host\n")
    out = cli("run", "--rm", "-v", f"{tmp_path}:/bound", BUSYBOX, "sh", "-c",
              "cat /bound/in; echo from inside >/bound/out")
    assert out == "from the host" and (tmp_path / "out").read_text() == "from inside\n"


def test_run_binds_a_directory_read_only(cli, tmp_path):
    err = cli.fails("run", "--rm", "-v", f"{tmp_path}:/bound:ro", BUSYBOX, "touch", "/bound/x", code=1)
    assert "Read-only file system" in err and not (tmp_path / "x").exists()


def test_run_binds_a_single_file(cli, tmp_path):
    (tmp_path / "file").write_text("just one\n")
    assert cli("run", "--rm", "-v", f"{tmp_path}/file:/etc/one:ro", BUSYBOX, "cat",
               "/etc/one") == "just one"


def test_run_makes_the_source_of_a_volume_flag(cli, tmp_path):
    cli("run", "--rm", "-v", f"{tmp_path}/new/deep:/bound", BUSYBOX, "touch", "/bound/file")
    assert (tmp_path / "new/deep/file").exists()


def test_run_refuses_a_mount_flag_whose_source_is_missing(cli, tmp_path):
    err = cli.fails("run", "--rm", "--mount", f"type=bind,source={tmp_path}/none,target=/bound",
                    BUSYBOX, "true", code=125)
    assert "bind source path does not exist" in err


def test_run_mounts_by_the_long_form(cli, tmp_path):
    (tmp_path / "file").write_text("long form\n")
    assert cli("run", "--rm", "--mount", f"type=bind,source={tmp_path},target=/bound,readonly",
               "--mount", "type=tmpfs,target=/scratch", BUSYBOX, "sh", "-c",
               "touch /scratch/x && cat /bound/file") == "long form"


def test_run_gives_shm_its_size(cli):
    out = cli("run", "--rm", "--shm-size", "3m", BUSYBOX, "grep", " /dev/shm ", "/proc/mounts")
    assert "size=3072k" in out


# Rights.

def capabilities(cli, *flags):
    out = cli("run", "--rm", *flags, TOOLBOX, "grep", "-E", "^Cap(Prm|Eff|Bnd|Inh|Amb)",
              "/proc/self/status")
    return {line[:6]: int(line.split()[1], 16) for line in out.splitlines()}


CHOWN, NET_ADMIN, NET_RAW = 1 << 0, 1 << 12, 1 << 13


def test_run_adds_and_drops_capabilities(cli):
    usual = capabilities(cli)["CapEff"]
    assert capabilities(cli, "--cap-add", "NET_ADMIN")["CapEff"] == usual | NET_ADMIN
    assert capabilities(cli, "--cap-drop", "CHOWN")["CapBnd"] == usual & ~CHOWN
    assert capabilities(cli, "--cap-drop", "ALL", "--cap-add", "chown")["CapEff"] == CHOWN


def test_run_of_a_user_has_no_effective_capabilities(cli):
    sets = capabilities(cli, "-u", "app")
    assert sets["CapEff"] == 0 and sets["CapPrm"] == 0 and sets["CapAmb"] == 0 and sets["CapBnd"]


def test_run_honours_a_file_capability(cli):
    out = cli("run", "--rm", "-u", "app", TOOLBOX, "busybox-rawnet", "grep", "CapEff",
              "/proc/self/status")
    assert int(out.split()[1], 16) == NET_RAW


def test_run_ignores_a_file_capability_under_no_new_privileges(cli):
    out = cli("run", "--rm", "-u", "app", "--security-opt", "no-new-privileges", TOOLBOX,
              "busybox-rawnet", "grep", "-E", "CapEff|NoNewPrivs", "/proc/self/status")
    assert [line.split()[1] for line in out.splitlines()] == ["0" * 16, "1"]


@pytest.mark.davit_only  # the reference fails where the host itself lacks a capability
def test_run_privileged_has_every_capability_and_device(cli):
    sets = capabilities(cli, "--privileged")
    assert sets["CapEff"] == sets["CapBnd"] and sets["CapEff"] & (1 << 21)
    out = cli("run", "--rm", "--privileged", BUSYBOX, "sh", "-c",
              "ls /dev | wc -l; grep Seccomp: /proc/self/status; grep -c ' /proc/sys ' /proc/mounts; true")
    devices, seccomp, covered = out.splitlines()
    assert int(devices) > 20 and seccomp.split()[1] == "0" and covered == "0"


def test_run_without_seccomp_has_none(cli):
    assert cli("run", "--rm", "--security-opt", "seccomp=unconfined", BUSYBOX, "grep", "Seccomp:",
               "/proc/self/status").split()[1] == "0"


def test_run_refuses_what_the_default_filter_forbids(cli):
    cli.fails("run", "--rm", BUSYBOX, "unshare", "-U", "true", code=1)


def test_run_adds_a_device(cli):
    assert cli("run", "--rm", "--device", "/dev/zero:/dev/naught:r", BUSYBOX, "sh", "-c",
               "head -c 4 /dev/naught | wc -c") == "4"


def test_run_with_init_reaps_and_forwards(cli):
    out = cli("run", "--rm", "--init", BUSYBOX, "sh", "-c",
              "cat /proc/1/comm; echo $$; (sleep 0.1 & ); sleep 0.4; ps -o comm | grep -c '^sleep'; true")
    assert out.splitlines()[1] != "1" and out.splitlines()[-1] == "0"


# Limits.

def limit(cli, controller, v1, v2, *flags):
    return cli("run", "--rm", *flags, BUSYBOX, "cat", limit_file(controller, v1, v2))


def test_run_limits_memory(cli):
    assert limit(cli, "memory", "memory.limit_in_bytes", "memory.max", "-m", "64m") == str(64 << 20)


def test_run_that_takes_too_much_memory_is_killed_and_says_so(cli, name):
    made = name()
    done = cli.run("run", "--name", made, "-m", "16m", BUSYBOX, "sh", "-c",
                   "dd if=/dev/zero of=/dev/null bs=64M count=1")
    state = cli.inspect(made)["State"]
    assert done.code == 137 and state["ExitCode"] == 137 and state["OOMKilled"]


def test_run_limits_processors(cli):
    quota = limit(cli, "cpu", "cpu.cfs_quota_us", "cpu.max", "--cpus", "0.5")
    assert quota == ("50000 100000" if CGROUP_V2 else "50000")
    shares = limit(cli, "cpu", "cpu.shares", "cpu.weight", "--cpu-shares", "512")
    assert shares == ("20" if CGROUP_V2 else "512")
    assert limit(cli, "cpuset", "cpuset.cpus", "cpuset.cpus", "--cpuset-cpus", "0") == "0"


def test_run_limits_processes(cli):
    assert limit(cli, "pids", "pids.max", "pids.max", "--pids-limit", "20") == "20"
    cli.fails("run", "--rm", "--pids-limit", "8", BUSYBOX, "sh", "-c",
              "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 2 & done; wait", code=2)


def test_run_sets_resource_limits(cli):
    assert cli("run", "--rm", "--ulimit", "nofile=100:200", BUSYBOX, "sh", "-c",
               "ulimit -Sn; ulimit -Hn").split() == ["100", "200"]


def test_run_sets_kernel_settings(cli):
    assert cli("run", "--rm", "--sysctl", "net.ipv4.ip_unprivileged_port_start=99", BUSYBOX, "cat",
               "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "99"


# The other commands around a container's life.

def test_create_start_wait_and_rm(cli, name):
    made = name()
    identity = cli("create", "--name", made, BUSYBOX, "sh", "-c", "exit 6")
    assert cli.inspect(made)["State"]["Status"] == "created"
    assert cli("start", made) == made
    assert cli("wait", made) == "6"
    state = cli.inspect(identity[:12])["State"]
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 6, 0)
    assert cli("rm", made) == made
    cli.fails("inspect", made, code=1)


def test_start_attached_shows_the_output_and_ends_with_the_code(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX, "sh", "-c", "echo hello; exit 4")
    done = cli.run("start", "-a", made)
    assert (done.code, done.out) == (4, "hello\n")


def test_start_of_a_running_container_changes_nothing(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    before = cli.inspect(made)["State"]
    assert cli("start", made) == made
    assert cli.inspect(made)["State"] == before


def test_a_container_starts_again_with_its_files(cli, name):
    made = name()
    cli("run", "--name", made, BUSYBOX, "sh", "-c", "echo again >>/kept; wc -l </kept")
    assert cli("start", "-a", made) == "2"


def test_stop_sends_term_and_waits(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sh", "-c",
        "trap 'exit 11' TERM; while :; do sleep 0.1; done")
    time.sleep(0.3)
    assert cli("stop", made) == made
    assert cli.inspect(made)["State"]["ExitCode"] == 11


def test_stop_kills_what_does_not_listen(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    began = time.monotonic()
    cli("stop", "-t", "1", made)
    assert time.monotonic() - began >= 1 and cli.inspect(made)["State"]["ExitCode"] == 137


def test_stop_sends_the_signal_of_the_image(cli, name):
    made = name()
    cli("run", "-d", "--name", made, "--entrypoint", "sh", APP, "-c",
        "trap 'exit 12' USR1; while :; do sleep 0.1; done")
    time.sleep(0.3)
    cli("stop", made)
    assert cli.inspect(made)["State"]["ExitCode"] == 12


def test_kill_of_a_stopped_container_is_an_error(cli, name):
    made = name()
    cli("run", "--name", made, BUSYBOX, "true")
    assert "is not running" in cli.fails("kill", made, code=1)


def test_rm_of_a_running_container_needs_force(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    cli.fails("rm", made, code=1)
    assert cli("rm", "-f", made) == made


def test_ps_shows_what_runs_and_with_all_what_ended(cli, name):
    running, ended = name("running"), name("ended")
    cli("run", "-d", "--name", running, BUSYBOX, "sleep", "60")
    cli.run("run", "--name", ended, BUSYBOX, "sh", "-c", "exit 3")
    assert cli("ps", "--format", "{{.Names}}") == running
    rows = dict(line.split("|") for line in
                cli("ps", "-a", "--format", "{{.Names}}|{{.Status}}").splitlines())
    assert rows[running].startswith("Up ") and rows[ended].startswith("Exited (3) ")
    assert cli("ps", "-aq", "--filter", f"name={ended}") == cli.inspect(ended)["Id"][:12]
    assert cli("ps", "-aq", "--no-trunc", "--filter", "status=exited") == cli.inspect(ended)["Id"]


def test_ps_prints_a_table(cli, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "127.0.0.1:0:80", BUSYBOX, "sleep", "60")
    head, row = cli("ps").splitlines()
    assert head.split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS",
                            "NAMES"]
    assert BUSYBOX in row and '"sleep 60"' in row and "->80/tcp" in row and row.endswith(made)


def test_inspect_formats(cli, name):
    made = name()
    cli("create", "--name", made, BUSYBOX, "sleep", "1")
    assert cli("inspect", "-f", "{{.Name}} {{.State.Status}} {{json .Config.Cmd}}", made) == \
        f'/{made} created ["sleep","1"]'


def test_events_tell_a_containers_life(cli, engine, name):
    made = name()
    since = time.time()
    cli.run("run", "--rm", "--name", made, BUSYBOX, "sh", "-c", "exit 2")
    out = cli("events", "--since", f"{since - 1:.3f}", "--until", f"{time.time() + 1:.3f}",
              "--filter", f"container={made}", "--format", "{{json .}}")
    actions = [json.loads(line)["Action"] for line in out.splitlines()]
    wanted = ["create", "start", "die", "destroy"]
    assert [action for action in actions if action in wanted] == wanted
