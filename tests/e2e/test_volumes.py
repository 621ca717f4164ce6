# SPDX-License-Identifier: Apache-2.0
"""Volumes and mounts through every command line: made, filled, shared, shown, removed."""
import json
import pathlib
import subprocess
import time

import pytest

from conftest import REGISTRY, make_cli, pull

TOOLBOX, BUSYBOX = (f"{REGISTRY}/{name}" for name in ("toolbox", "busybox"))
VOLUMES = f"{REGISTRY}/volumes"


@pytest.fixture
def volumes(engine):
    """The image with VOLUMEs."""
    pull(engine, f"{VOLUMES}:latest")
    return f"{VOLUMES}:latest"


def names(cli):
    return set(cli("volume", "ls", "-q").split())


def test_a_volume_is_made_listed_shown_and_removed(cli, name):
    made = name("v")
    assert cli("volume", "create", "--label", "a=b", made) == made
    assert made in names(cli)
    shown = json.loads(cli("volume", "inspect", made))[0]
    assert (shown["Name"], shown["Driver"], shown["Scope"]) == (made, "local", "local")
    assert shown["Labels"] == {"a": "b"} and shown["Mountpoint"].endswith(f"/{made}/_data")
    assert cli("volume", "rm", made) == made
    assert made not in names(cli)
    assert "no such volume" in cli.fails("volume", "rm", made, code=1).lower()
    cli("volume", "rm", "-f", made)


def test_making_a_volume_again_is_no_error(cli, name):
    made = name("v")
    assert cli("volume", "create", made) == cli("volume", "create", made) == made


@pytest.mark.parametrize("bad", ["x", "-x", "a/b", "ü1"])
def test_bad_names_are_refused(cli, bad):
    cli.fails("volume", "create", "--name", bad, code=1)


def test_an_unknown_driver_is_refused_by_name(cli, name):
    assert "nfs-of-old" in cli.fails("volume", "create", "-d", "nfs-of-old", name("v"), code=1)


def test_volumes_are_filtered(cli, name):
    one, two = name("vone"), name("vtwo")
    cli("volume", "create", "--label", "kind=x", one)
    cli("volume", "create", two)
    cli("run", "-d", "-v", f"{two}:/d", BUSYBOX, "true")
    listed = lambda *filters: set(  # noqa: E731
        cli("volume", "ls", "-q", *(word for one in filters for word in ("-f", one))).split())
    assert listed("label=kind=x") == {one} and listed("label=kind") == {one}
    assert listed(f"name={one}") == {one}
    assert one in listed("dangling=true") and two not in listed("dangling=true")
    assert two in listed("dangling=false") and listed("driver=none") == set()


def test_content_stays_and_is_shared(cli, name):
    made = name("v")
    cli("run", "--rm", "-v", f"{made}:/data", BUSYBOX, "sh", "-c", "echo kept > /data/file")
    assert made in names(cli)
    assert cli("run", "--rm", "-v", f"{made}:/other:ro", BUSYBOX, "cat", "/other/file") == "kept"
    done = cli.run("run", "--rm", "-v", f"{made}:/data:ro", BUSYBOX, "touch", "/data/x")
    assert done.code == 1 and "Read-only" in done.err


def test_a_volume_in_use_is_not_removed(cli, name):
    made, user = name("v"), name()
    cli("create", "--name", user, "-v", f"{made}:/data", BUSYBOX)
    identity = cli.inspect(user)["Id"]
    said = cli.fails("volume", "rm", made, code=1)
    assert f"volume is in use - [{identity}]" in said
    cli("rm", user)
    cli("volume", "rm", made)


def test_an_image_fills_a_new_volume(cli, name, volumes):
    script = ("stat -c '%n %a %u %g' /data /data/* /data/sub/setuid; cat /data/linked;"
              "readlink /data/absolute; stat -c %h /data/plain")
    asked = cli("run", "--rm", volumes, "sh", "-c", script)
    assert asked.split("\n") == [
        "/data 750 1234 800", "/data/absolute 777 0 0", "/data/linked 640 1234 1234",
        "/data/plain 640 1234 1234", "/data/sub 2775 0 800", "/data/sub/setuid 4755 0 0",
        "from the image", "/etc/passwd", "2"]
    made = name("v")
    run = lambda *words: cli("run", "--rm", "-v", f"{made}:/data", volumes, *words)  # noqa: E731
    assert run("cat", "/data/plain") == "from the image"
    run("sh", "-c", "echo changed > /data/plain")
    assert run("cat", "/data/plain") == "changed"


def test_nocopy_and_what_is_not_empty_stay_as_they_are(cli, name, volumes):
    made, other = name("v"), name("w")
    assert cli("run", "--rm", "-v", f"{made}:/data:nocopy", volumes, "ls", "/data") == ""
    assert cli("run", "--rm", "--mount", f"src={other},dst=/data,volume-nocopy", volumes,
               "ls", "/data") == ""
    cli("run", "--rm", "-v", f"{other}:/data:nocopy", volumes, "touch", "/data/mine")
    assert cli("run", "--rm", "-v", f"{other}:/data", volumes, "ls", "/data") == "mine"


def test_anonymous_volumes_go_with_rm_v_and_rm(cli, name, volumes):
    before = names(cli)
    cli("run", "--rm", volumes, "true")
    cli("run", "--rm", "-v", "/somewhere", BUSYBOX, "true")
    assert names(cli) == before
    kept = name()
    cli("run", "--name", kept, volumes, "true")
    assert len(names(cli) - before) == 3
    own = {mount["Name"] for mount in cli.inspect(kept)["Mounts"]}
    cli("rm", kept)
    assert names(cli) - before == own
    cli("volume", "rm", *own)
    cli("run", "--name", kept, volumes, "true")
    cli("rm", "-v", kept)
    assert names(cli) == before


def test_named_volumes_stay_with_rm_v(cli, name):
    made, user = name("v"), name()
    cli("run", "--name", user, "-v", f"{made}:/data", BUSYBOX, "true")
    cli("rm", "-v", user)
    assert made in names(cli)


def test_prune_takes_anonymous_ones_and_with_all_the_others(davit, docker, name):
    named, used = name("v"), name("w")
    davit("volume", "create", named)
    davit("run", "-v", f"{used}:/d", "-v", "/anonymous", "--name", name(), BUSYBOX, "true")
    anonymous = docker("volume", "create")
    assert anonymous in davit("volume", "prune", "-f")
    assert {named, used} <= names(davit)
    said = davit("volume", "prune", "-f", "-a")
    assert named in said and used not in said and "Total reclaimed space: 0B" in said
    assert used in names(davit)


def test_volumes_from_another_container(cli, name):
    made, first = name("v"), name()
    cli("run", "--name", first, "-v", f"{made}:/data", "-v", "/anonymous", BUSYBOX,
        "sh", "-c", "echo one > /data/file; echo two > /anonymous/file")
    read = "cat /data/file /anonymous/file"
    assert cli("run", "--rm", "--volumes-from", first, BUSYBOX, "sh", "-c", read) == "one\ntwo"
    done = cli.run("run", "--rm", "--volumes-from", f"{first}:ro", BUSYBOX, "touch", "/data/x")
    assert done.code == 1 and "Read-only" in done.err
    # --rm of the second left what is the first's.
    assert cli("run", "--rm", "--volumes-from", first, BUSYBOX, "cat", "/anonymous/file") == "two"
    assert "no such container" in cli.fails("run", "--rm", "--volumes-from", "nobody", BUSYBOX,
                                            code=125).lower()


def test_two_mounts_at_one_place_are_refused(cli, name, tmp_path):
    said = cli.fails("run", "--rm", "-v", f"{tmp_path}:/x", "-v", f"{name('v')}:/x/", BUSYBOX,
                     "true", code=125)
    assert "Duplicate mount point: /x" in said


def test_mounts_lie_in_each_other_whatever_their_order(cli, name):
    outer, inner = name("outer"), name("inner")
    cli("run", "--rm", "-v", f"{inner}:/a/b", "-v", f"{outer}:/a", BUSYBOX,
        "sh", "-c", "echo in > /a/b/file; echo out > /a/file")
    assert cli("run", "--rm", "-v", f"{inner}:/x", BUSYBOX, "ls", "/x") == "file"


def test_a_part_of_a_volume_is_mounted(davit, name):
    made = name("v")
    davit("run", "--rm", "-v", f"{made}:/v", BUSYBOX, "sh", "-c",
          "mkdir -p /v/a/b; echo deep > /v/a/b/file; ln -s /../../../etc /v/out; ln -s a /v/in")
    part = lambda sub: davit.run(  # noqa: E731
        "run", "--rm", "--mount", f"src={made},dst=/p,volume-subpath={sub}", BUSYBOX, "ls", "/p")
    assert part("a/b").out == "file\n" and part("in/b").out == "file\n"
    assert part("none").code == 125 or part("none").code == 127
    assert "passwd" not in part("out").out  # the link stays in the volume, where there is no etc


def test_binds_are_read_only_as_deep_as_asked(davit, engine, tmp_path):
    """Needs a mount below the source: made in the sandbox's mount namespace, where davitd lives."""
    place = f"{engine.work}/bind"
    engine.sandbox.run("mkdir", "-p", f"{place}/below")
    engine.sandbox.run("mount", "-t", "tmpfs", "tmpfs", f"{place}/below")
    try:
        write = lambda *options: davit.run(  # noqa: E731
            "run", "--rm", "--mount", ",".join((f"type=bind,src={place},dst=/b", *options)),
            BUSYBOX, "sh", "-c", "touch /b/x 2>/dev/null; echo $?; touch /b/below/x 2>/dev/null; "
            "echo $?").out.split()
        assert write() == ["0", "0"]
        assert write("readonly") == ["1", "1"]
        assert write("readonly", "bind-recursive=writable") == ["1", "0"]
        assert write("readonly", "bind-recursive=readonly", "bind-propagation=rprivate") == \
            ["1", "1"]
        assert write("bind-recursive=disabled") == ["0", "0"]
    finally:
        engine.sandbox.run("umount", f"{place}/below")
        engine.sandbox.run("rm", "-rf", place)


def test_a_missing_source_is_made_by_v_and_refused_by_mount(cli, engine, name):
    place = f"{engine.work}/{name('source')}"
    said = cli.fails("run", "--rm", "--mount", f"type=bind,src={place},dst=/x", BUSYBOX, "true",
                     code=125)
    assert "bind source path does not exist" in said
    cli("run", "--rm", "-v", f"{place}:/x", BUSYBOX, "true")
    assert pathlib.Path(place).is_dir()
    pathlib.Path(place).rmdir()


def test_memory_is_mounted_as_asked(cli):
    shown = cli("run", "--rm", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770",
                BUSYBOX, "sh", "-c", "stat -c %a /t; df -k /t | tail -1 | awk '{print $2}'")
    assert shown.split() == ["1770", "1024"]


# --- options of the local driver

def option_words(**options):
    return [word for key, value in options.items() for word in ("--opt", f"{key}={value}")]


def test_a_volume_of_memory_is_shared_while_it_is_used_and_gone_after(cli, engine, name):
    made, first = name("v"), name()
    cli("volume", "create", *option_words(type="tmpfs", device="tmpfs", o="size=2m,mode=700"),
        made)
    use = ("-v", f"{made}:/m")
    cli("run", "-d", "--name", first, *use, BUSYBOX, "sh", "-c", "echo in memory > /m/f; sleep 60")
    assert cli("run", "--rm", *use, BUSYBOX, "sh", "-c",
               "cat /m/f; df -k /m | tail -1 | awk '{print $2}'").split("\n") == \
        ["in memory", "2048"]
    if engine.name.startswith("davitd"):
        engine.kill()
        engine.start()
        assert cli("run", "--rm", *use, BUSYBOX, "cat", "/m/f") == "in memory"
    cli("rm", "-f", first)
    assert cli("run", "--rm", *use, BUSYBOX, "ls", "/m") == ""


def test_a_volume_of_a_block_device(cli, engine, name):
    image = pathlib.Path(engine.work) / name("disk")
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    loop = subprocess.run(["losetup", "-f", "--show", image], check=True, capture_output=True,
                          text=True).stdout.strip()
    made, first = name("v"), name()
    try:
        cli("volume", "create", *option_words(type="ext4", device=loop, o="noatime,noexec"), made)
        cli("run", "-d", "--name", first, "-v", f"{made}:/d", BUSYBOX, "sh", "-c",
            "echo on disk > /d/f; sleep 60")
        shown = cli("run", "--rm", "-v", f"{made}:/d", BUSYBOX, "sh", "-c",
                    "cat /d/f; grep ' /d ' /proc/mounts").split("\n")
        assert shown[0] == "on disk" and "ext4" in shown[1] and "noexec" in shown[1]
        cli("rm", "-f", first)
        assert cli("run", "--rm", "-v", f"{made}:/d", BUSYBOX, "cat", "/d/f") == "on disk"
    finally:
        cli.run("rm", "-f", first)
        for _ in range(50):  # the last mount goes with its launcher
            if subprocess.run(["losetup", "-d", loop], capture_output=True).returncode == 0 and \
                    not pathlib.Path(f"/sys/block/{loop[5:]}/loop").exists():
                break
            time.sleep(0.1)
        image.unlink()


def test_a_volume_of_a_directory(cli, engine, name):
    place = pathlib.Path(engine.work) / name("place")
    place.mkdir()
    (place / "file").write_text("of the host\n")
    made = name("v")
    cli("volume", "create", *option_words(type="none", device=place, o="bind,ro"), made)
    assert cli("run", "--rm", "-v", f"{made}:/d", BUSYBOX, "cat", "/d/file") == "of the host"
    done = cli.run("run", "--rm", "-v", f"{made}:/d", BUSYBOX, "touch", "/d/x")
    assert done.code == 1
    cli("volume", "rm", made)
    assert (place / "file").exists()


def test_a_bad_option_is_refused_and_a_failing_mount_says_why(cli, name):
    assert "invalid option" in cli.fails("volume", "create", "--opt", "size=1", name("v"), code=1)
    made = name("v")
    cli("volume", "create", *option_words(type="ext4", device="/no/such/device"), made)
    done = cli.run("run", "--rm", "-v", f"{made}:/d", BUSYBOX, "true")
    assert done.code in (125, 127) and made in done.err and "/no/such/device" in done.err


# --- what clients are shown

def shape(mounts):
    """What is the same on every engine."""
    return sorted(json.dumps({key: value for key, value in mount.items()
                              if key not in ("Source", "Name")} |
                             {"named": bool(mount.get("Name")), "from": bool(mount["Source"])},
                             sort_keys=True) for mount in mounts)


def test_inspect_shows_mounts_as_docker_does(engine, reference, work, tmp_path):
    flags = ["-v", "named-one:/named", "-v", f"{tmp_path}:/bind", "-v", f"{tmp_path}:/ro:ro",
             "-v", "/anonymous", "--mount", "src=named-two,dst=/two,readonly",
             "--mount", "type=tmpfs,dst=/memory", "--tmpfs", "/hidden",
             "--mount", f"type=bind,src={tmp_path},dst=/b2,readonly,bind-propagation=rslave"]
    seen = []
    for one in (engine, reference):
        cli = make_cli("docker20", one, work)
        made = cli("create", *flags, BUSYBOX)
        listed = [entry for entry in one.containers() if entry["Id"] == made][0]
        seen.append((shape(cli.inspect(made)["Mounts"]), shape(listed["Mounts"])))
        cli("rm", "-v", made)
        cli("volume", "rm", "named-one", "named-two")
    assert seen[0][0] == seen[1][0]
    # dockerd's list leaves the source of anonymous volumes out.
    where = lambda one: one.replace('"from": true, ', "").replace('"from": false, ', "")  # noqa: E731
    assert [where(one) for one in seen[0][1]] == [where(one) for one in seen[1][1]]


def test_events_tell_of_volumes(davit, name, engine):
    made, user = name("v"), name()
    since = str(int(time.time()) - 1)
    davit("volume", "create", made)
    davit("run", "--rm", "--name", user, "-v", f"{made}:/d", BUSYBOX, "true")
    for _ in range(50):
        if davit.run("volume", "rm", made).code == 0:
            break
        time.sleep(0.1)
    told = davit("events", "--since", since, "--until", str(int(time.time()) + 1), "--filter",
                 "type=volume", "--format", "{{.Actor.ID}} {{.Action}}").split("\n")
    assert [line.split()[1] for line in told if line.startswith(made)] == ["create", "mount", "unmount", "destroy"]


def test_volumes_survive_the_daemon(davit, engine, name, volumes):
    made, user = name("v"), name()
    davit("run", "-d", "--name", user, "-v", f"{made}:/d", volumes, "sh", "-c",
          "echo before > /d/f; sleep 60")
    before = names(davit)
    engine.kill()
    engine.start()
    assert names(davit) == before
    assert f"volume is in use" in davit.fails("volume", "rm", made, code=1)
    assert davit("exec", user, "cat", "/d/f") == "before"
    davit("rm", "-f", "-v", user)
    assert names(davit) == before - {mount for mount in before if mount != made}


# --- safety

def test_R41_a_volume_of_an_image_through_a_link_gets_nothing_of_the_host(davit, engine, name):
    """CVE-2022-23648: VOLUME /out, where the image has /out -> /."""
    pull(engine, f"{VOLUMES}:out")
    user = name()
    done = davit.run("run", "--name", user, f"{VOLUMES}:out", "ls", "/")
    for mount in davit.inspect(user)["Mounts"]:
        listed = set(entry.name for entry in pathlib.Path(mount["Source"]).iterdir())
        assert "host" not in listed and not {"boot", "lib", "opt"} & listed
    assert done.code in (0, 125, 126, 127)
