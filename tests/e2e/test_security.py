# SPDX-License-Identifier: Apache-2.0
"""The rules of the security rulebook that images, containers and roots touch, each under its number.

Beside every hostile image stands an ordinary one that must go on working: test_images and test_run.
"""
import json
import os
import pathlib
import re
import stat

import pytest

import oci
import small
from conftest import REGISTRY
from harness.registry import OwnRegistry

pytestmark = pytest.mark.davit_only
BUSYBOX, TOOLBOX, USERS = (f"{REGISTRY}/{name}" for name in ("busybox", "toolbox", "users"))


@pytest.fixture
def served(engine, tmp_path):
    """A function that makes an image of busybox and these further layers, and names it."""
    layout = oci.Layout(tmp_path / "hostile")
    server = OwnRegistry(engine.sandbox, layout)
    tags = {}

    def make(*layers, config=None, tag="latest"):
        blobs = [small.busybox_layer()] + [oci.layer(oci.tar(entries)) for entries in layers]
        tags[tag] = layout.image(blobs, {"Env": [small.PATH], "Cmd": ["sh"]} | (config or {}))
        layout.tag(tags)
        return f"{server.address}/hostile:{tag}"

    make.layout, make.tags, make.server = layout, tags, server
    yield make
    server.close()


@pytest.fixture
def canary(tmp_path):
    """A host directory that must be unchanged afterwards."""
    place = tmp_path / "canary"
    place.mkdir()
    (place / "file").write_text("untouched")
    yield place
    assert [path.name for path in place.iterdir()] == ["file"]
    assert (place / "file").read_text() == "untouched"


@pytest.mark.parametrize("user, uid", [("1000", "1000"), ("1000:1000", "1000"), ("01000", "1000")])
def test_r01_a_numeric_user_is_never_a_name(docker, user, uid):
    done = docker.run("run", "--rm", "-u", user, USERS, "id", "-u")
    assert done.out.strip() == uid or (done.code and not done.out)


@pytest.mark.parametrize("user", ["-1", "4294967295", "4294967296", "99999999999999999999", "+1", "0x1",
                                  "1:4294967296", "1:+2"])
def test_r01_a_user_that_is_no_number_and_no_name_is_refused(docker, user):
    done = docker.run("run", "--rm", "-u", user, BUSYBOX, "id", "-u")
    assert done.code == 125 and not done.out


def test_r01_exec_follows_the_same_rule(docker, name):
    made = name()
    docker("run", "-d", "--name", made, USERS, "sleep", "60")
    assert docker("exec", "-u", "1000", made, "id", "-u") == "1000"
    assert docker.run("exec", "-u", "+1", made, "id", "-u").code != 0


DEFAULT = 0xa80425fb


@pytest.mark.parametrize("flags, sets", [
    ((), (0, DEFAULT, DEFAULT, DEFAULT, 0)),
    (("-u", "1234"), (0, 0, 0, DEFAULT, 0)),
    (("-u", "1234", "--cap-add", "NET_ADMIN"), (0, 0, 0, DEFAULT | 1 << 12, 0)),
    (("--cap-drop", "ALL"), (0, 0, 0, 0, 0)),
])
def test_r02_all_five_capability_sets_are_set(docker, name, flags, sets):
    made = name()
    script = "sed -n 's/^Cap.*:.//p' /proc/self/status"
    out = docker("run", "--rm", *flags, TOOLBOX, "sh", "-c", script)
    assert tuple(int(line, 16) for line in out.split()) == sets
    docker("run", "-d", "--name", made, *flags, TOOLBOX, "sleep", "60")
    out = docker("exec", made, "sh", "-c", script)
    assert tuple(int(line, 16) for line in out.split()) == sets


def test_r04_the_launcher_cannot_be_overwritten_from_inside(docker, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    out = docker("exec", made, "sh", "-c", "(: >/proc/1/exe) 2>&1; readlink /proc/self/exe")
    assert re.search("Text file busy|Permission denied|Read-only", out)
    docker.run("run", "--rm", "--entrypoint", "/proc/self/exe", BUSYBOX, "--version")
    assert docker("run", "--rm", BUSYBOX, "echo", "still well") == "still well"


def test_r06_a_proc_that_is_a_symlink_is_refused(docker, served):
    image = served([oci.symlink("proc", "/tmp")])
    assert docker.run("run", "--rm", image, "true").code in (125, 126, 127)


def test_r07_a_bind_target_behind_a_symlink_stays_inside(docker, served, canary, tmp_path):
    image = served([oci.symlink("escape", "/../../../../../.." + str(canary))])
    (tmp_path / "source").mkdir()
    docker.run("run", "--rm", "-v", f"{tmp_path}/source:/escape/in", image, "touch", "/escape/in/x")


@pytest.mark.parametrize("path", ["etc/hosts", "etc/hostname", "etc/resolv.conf"])
def test_r07_a_file_that_the_engine_provides_follows_no_symlink_out(docker, served, canary, path):
    image = served([oci.symlink(path, str(canary / "file"))])
    docker.run("run", "--rm", image, "sh", "-c", f"echo changed >/{path}")


def test_r09_the_cgroup_tree_cannot_be_written(docker):
    out = docker("run", "--rm", BUSYBOX, "sh", "-c",
                 "for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/x 2>/dev/null && echo made $d; done; "
                 "true")
    assert out == ""


@pytest.mark.parametrize("number", [*range(3, 20), 63, 201, 255, 1023])
def test_r11_no_descriptor_of_the_engines_is_a_working_directory(docker, number):
    done = docker.run("run", "--rm", "-w", f"/proc/self/fd/{number}", BUSYBOX, "cat",
                      "../../../../etc/debian_version")
    assert done.code and not done.out


def test_r11_no_descriptor_leads_out_of_the_container(docker, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    assert docker("exec", made, "sh", "-c", "ls /proc/1/fd").split() == ["0", "1", "2"]
    done = docker.run("exec", "-w", "/proc/self/fd/5", made, "cat", "../../../../etc/debian_version")
    assert done.code and not re.match(r"\d", done.out)


def test_r13_a_null_device_of_the_image_masks_nothing(docker, served):
    image = served([oci.directory("dev"), oci.symlink("dev/null", "/proc/sys/kernel/core_pattern")])
    before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    docker.run("run", "--rm", image, "sh", "-c", "echo x >/proc/keys; echo x >/proc/timer_list")
    assert pathlib.Path("/proc/sys/kernel/core_pattern").read_text() == before
    out = docker("run", "--rm", image, "stat", "-c", "%t:%T", "/dev/null")
    assert out == "1:3"


def test_r16_a_dev_that_leads_out_touches_no_host_file(docker, served, canary):
    image = served([oci.symlink("dev", "../../../../../../../.." + str(canary))])
    docker.run("run", "--rm", image, "true")


@pytest.mark.parametrize("entries", [
    [oci.file("../escaped", "x")], [oci.file("a/../../escaped", "x")],
    [oci.symlink("link", "/"), oci.file("link/escaped", "x")],
    [oci.symlink("link", "../../../../../.."), oci.file("link/escaped", "x")],
], ids=["parent", "inner parent", "absolute link", "relative link"])
def test_r30_a_path_stays_inside_the_root(docker, engine, served, entries):
    docker.run("run", "--rm", served(entries), "true")
    for place in (engine.work, engine.data, engine.exec, pathlib.Path("/")):
        assert not (place / "escaped").exists(), place
    assert not list(engine.data.glob("*/escaped")) and not list(engine.data.glob("storage/*/escaped"))


def test_r31_a_hard_link_cannot_name_a_host_file(docker, served):
    image = served([oci.hardlink("stolen", "../../../../../../../../etc/debian_version")])
    assert "12." not in docker.run("run", "--rm", image, "cat", "/stolen").out


def test_r33_an_absolute_symlink_is_kept_and_means_the_containers_root(docker, served):
    image = served([oci.symlink("release", "/etc/made"), oci.file("etc/made", "inside\n")])
    assert docker("run", "--rm", image, "cat", "/release") == "inside"


def test_r34_a_symlink_in_place_of_a_directory_is_not_followed(docker, served, canary):
    image = served([oci.directory("place"), oci.file("place/a", "a")],
                   [oci.symlink("place", str(canary))], [oci.directory("place"),
                                                         oci.file("place/b", "b\n")])
    assert docker("run", "--rm", image, "cat", "/place/b") == "b"


def test_r35_the_root_itself_cannot_be_replaced(docker, served):
    done = docker.run("run", "--rm", served([oci.symlink(".", "/etc")]), "ls", "/bin/sh")
    assert done.code == 125 or done.out == "/bin/sh\n"


def test_r38_a_forged_whiteout_device_is_refused(docker, served):
    image = served([oci.device("etc/passwd", "c", 0, 0)])
    assert docker.fails("pull", image, code=1).strip()


@pytest.mark.parametrize("xattr", ["trusted.overlay.opaque", "trusted.overlay.redirect",
                                   "user.overlay.opaque"])
def test_r38_an_overlay_attribute_in_an_archive_has_no_effect(docker, served, xattr):
    entry, _ = oci.directory("etc")
    entry.pax_headers["SCHILY.xattr." + xattr] = "y"
    done = docker.run("run", "--rm", served([(entry, None)]), "cat", "/etc/passwd")
    assert done.code == 125 or done.out.startswith("root:")


def test_r39_a_device_node_of_an_image_is_made_and_of_no_use(docker, served):
    image = served([oci.device("disk", "b", 254, 0), oci.device("naught", "c", 1, 5)])
    assert docker("run", "--rm", image, "stat", "-c", "%F %t:%T", "/disk") == "block special file fe:0"
    assert "not permitted" in docker.fails("run", "--rm", image, "head", "-c", "1", "/disk", code=1)


def test_r46_nobody_else_can_walk_the_roots(engine):
    modes = {path: stat.S_IMODE(os.stat(path).st_mode) for path in (engine.data, engine.exec)}
    assert modes[engine.data] & 0o077 == 0, oct(modes[engine.data])
    assert modes[engine.exec] & 0o066 == 0, oct(modes[engine.exec])
    for path in engine.exec.iterdir():
        if path.is_dir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_r20_the_socket_is_not_for_everybody(engine):
    assert stat.S_IMODE(os.stat(engine.socket).st_mode) & 0o007 == 0


def test_r49_a_document_that_is_index_and_manifest_at_once_is_refused(docker, served):
    served()
    both = served.layout.read_json(served.tags["latest"]["digest"])
    both["manifests"] = [dict(served.tags["latest"])]
    served.tags["both"] = served.layout.put(both, oci.MANIFEST)
    served.layout.tag(served.tags)
    docker.fails("pull", f"{served.server.address}/hostile:both", code=1)


def test_r50_the_primary_group_is_among_the_groups(docker, served):
    image = served([oci.directory("secret", 0o707, 0, 1234)])
    docker.fails("run", "--rm", "-u", "77:1234", image, "ls", "/secret", code=1)


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "sha256:" + "0" * 63, "md5:" + "0" * 32,
                                    "", "sha256:" + "G" * 64])
def test_r60_a_digest_is_a_digest(docker, served, digest):
    served([oci.file("more", os.urandom(64))])
    manifest = served.layout.read_json(served.tags["latest"]["digest"])
    manifest["layers"][1]["digest"] = digest
    served.tags["odd"] = served.layout.put(manifest, oci.MANIFEST)
    served.layout.tag(served.tags)
    docker.fails("pull", f"{served.server.address}/hostile:odd", code=1)


@pytest.mark.parametrize("made", ["..", ".", "a/b", "a b", "-a"])
def test_r60_a_name_is_one_safe_word(docker, made):
    assert docker.run("create", f"--name={made}", BUSYBOX).code == 1 or \
        docker.run("create", f"--name={made}", BUSYBOX).code == 125


def test_r62_a_passwd_that_is_a_fifo_hangs_nobody(docker):
    assert docker.run("run", "--rm", "-u", "app", f"{USERS}:fifo", "id", timeout=20).code in (125, 126)


def test_r62_a_passwd_that_leads_to_a_device_is_not_read(docker, served):
    image = served([oci.symlink("etc/passwd", "/dev/zero")])
    assert docker.run("run", "--rm", "-u", "app", image, "id", timeout=20).code in (125, 126)


def test_r62_a_passwd_that_is_huge_is_refused(docker, served):
    image = served([oci.file("etc/passwd", b"x:x:1:1::/:\n" * 3_000_000)])
    assert docker.run("run", "--rm", "-u", "app", image, "id", timeout=20).code in (125, 126)


def test_r69_a_redirect_takes_no_credentials_along(docker, served, engine):
    image = served([oci.file("x", "y")])
    other = OwnRegistry(engine.sandbox, served.layout)
    manifest = served.layout.read_json(served.tags["latest"]["digest"])
    layer = manifest["layers"][1]["digest"]
    served.server.faults[layer] = ("redirect", f"http://{other.address}/v2/hostile/blobs/{layer}")
    auth = {"auths": {served.server.address: {"auth": "bWU6c2VjcmV0"}}}
    (docker.config / "config.json").write_text(json.dumps(auth))
    try:
        docker("pull", image)
        assert other.requests
        assert not [headers for _, _, headers in other.requests if "Authorization" in headers]
    finally:
        (docker.config / "config.json").unlink()
        other.close()


def test_r70_no_socket_has_an_abstract_name(docker, engine, name):
    docker("run", "-d", "--name", name(), BUSYBOX, "sleep", "60")
    listed = engine.sandbox.run("cat", "/proc/net/unix")
    names = [line.split()[-1] for line in listed.splitlines() if line.split()[-1].startswith("@")]
    assert not [one for one in names if not re.fullmatch("@[0-9a-f]{5}", one)]  # those the kernel chose


def test_r71_a_label_of_an_image_changes_nothing(docker, served, name):
    labels = {"davit.privileged": "true", "com.docker.compose.project": "x",
              "io.davit.restart.loguri": "binary:///bin/sh"}
    made = name()
    docker("create", "--name", made, served(config={"Labels": labels}))
    inspected = docker.inspect(made)
    assert not inspected["HostConfig"]["Privileged"]
    assert inspected["HostConfig"]["LogConfig"]["Type"] == "json-file"
