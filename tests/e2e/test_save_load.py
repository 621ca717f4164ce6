# SPDX-License-Identifier: Apache-2.0
"""`save`, `load`, `import`, `export`, `commit` and `diff` through every command line, with skopeo and
dockerd as the judges of what was written."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest

from conftest import REGISTRY

LAYERS = f"{REGISTRY}/layers:latest"
BUSYBOX = f"{REGISTRY}/busybox:latest"
TOOLBOX = f"{REGISTRY}/toolbox:latest"


def saved(cli, path, *names):
    cli("save", "-o", path, *names)
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read()
                for member in archive if member.isfile()}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.davit_only  # dockerd 20.10 writes the older form
def test_saved_blobs_are_what_their_names_say(cli, tmp_path):
    cli("pull", "-q", LAYERS)
    image = cli.inspect(LAYERS)
    files = saved(cli, tmp_path / "one.tar", LAYERS)
    for name, data in files.items():
        if name.startswith("blobs/sha256/"):
            assert name == "blobs/sha256/" + hashlib.sha256(data).hexdigest()
    manifest = json.loads(files["manifest.json"])[0]
    assert manifest["RepoTags"] == [LAYERS]
    assert sha256(files[manifest["Config"]]) == image["Id"]
    assert [sha256(files[layer]) for layer in manifest["Layers"]] == image["RootFS"]["Layers"]
    index = json.loads(files["index.json"])
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == LAYERS
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_what_was_saved_is_loaded_again(cli, tmp_path):
    cli("pull", "-q", LAYERS)
    before = cli.inspect(LAYERS)
    cli("save", "-o", tmp_path / "one.tar", LAYERS)
    cli("rmi", "-f", LAYERS)
    assert f"Loaded image: {LAYERS}" in cli("load", "-i", tmp_path / "one.tar")
    after = cli.inspect(LAYERS)
    assert after["Id"] == before["Id"] and after["RootFS"] == before["RootFS"]
    assert cli("run", "--rm", LAYERS, "cat", "/data/last") == "from gzip"


def test_several_images_share_an_archive_and_come_back_from_stdin(cli, tmp_path):
    cli("pull", "-q", LAYERS)
    cli("tag", LAYERS, "second:1")
    path = tmp_path / "two.tar"
    cli("save", "-o", path, LAYERS, "second:1", BUSYBOX)
    cli("rmi", "-f", LAYERS, "second:1")
    with open(path, "rb") as archive:
        process = cli.start("load", "-q", stdin=archive)
        out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0
    for name in (LAYERS, "second:1", BUSYBOX):
        assert f"Loaded image: {name}" in out
    cli("rmi", "-f", LAYERS, "second:1")


def test_an_image_saved_by_id_has_no_name(cli, tmp_path):
    cli("pull", "-q", LAYERS)
    identity = cli.inspect(LAYERS)["Id"]
    cli("save", "-o", tmp_path / "one.tar", identity)
    cli("rmi", "-f", LAYERS)
    assert f"Loaded image ID: {identity}" in cli("load", "-i", tmp_path / "one.tar")
    cli("rmi", "-f", identity)


def test_load_reads_gzip(cli, tmp_path):
    cli("pull", "-q", LAYERS)
    cli("save", "-o", tmp_path / "one.tar", LAYERS)
    cli("rmi", "-f", LAYERS)
    packed = tmp_path / "one.tar.gz"
    packed.write_bytes(gzip.compress((tmp_path / "one.tar").read_bytes(), 1))
    assert "Loaded image" in cli("load", "-i", packed)
    cli("rmi", "-f", LAYERS)


@pytest.mark.davit_only  # dockerd 20.10 reads its own form only
def test_load_reads_an_oci_layout_of_skopeo(cli, engine, tmp_path):
    layout = tmp_path / "layout"
    subprocess.run(engine.sandbox.enter(
        "skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{LAYERS}",
        f"oci:{layout}:example.test/layers:from-skopeo"), check=True)
    subprocess.run(["tar", "-C", layout, "-cf", tmp_path / "layout.tar", "."], check=True)
    assert "Loaded image: example.test/layers:from-skopeo" in \
        cli("load", "-i", tmp_path / "layout.tar")
    assert cli("run", "--rm", "example.test/layers:from-skopeo", "cat", "/data/last") == "from gzip"
    cli("rmi", "-f", "example.test/layers:from-skopeo")


@pytest.mark.davit_only
def test_skopeo_and_dockerd_read_what_was_saved(cli, reference, tmp_path):
    cli("pull", "-q", LAYERS)
    image = cli.inspect(LAYERS)
    path = reference.work / f"{cli.name}.tar"
    cli("save", "-o", path, LAYERS)
    seen = json.loads(subprocess.run(["skopeo", "inspect", "--config", f"docker-archive:{path}"],
                                     check=True, capture_output=True).stdout)
    assert seen["rootfs"]["diff_ids"] == image["RootFS"]["Layers"]
    layout = json.loads(subprocess.run(["skopeo", "inspect", "--config", f"oci-archive:{path}"],
                                       check=True, capture_output=True).stdout)
    assert layout == seen
    status, _ = reference.request("POST", "/v1.41/images/load?quiet=1", path.read_bytes(),
                                  {"Content-Type": "application/x-tar"})
    assert status == 200
    assert reference.get(f"/v1.41/images/{image['Id']}/json")["RootFS"] == image["RootFS"]
    path.unlink()


def hostile(files):
    """An archive of these members: bytes, or a TarInfo without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def manifest(config="c.json", layers=("l.tar",)):
    return json.dumps([{"Config": config, "RepoTags": ["hostile:1"], "Layers": layers}]).encode()


CONFIG = json.dumps({"os": "linux", "architecture": "amd64",
                     "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}}).encode()

HOSTILE = {
    "R_35_a_path_that_leads_out": (
        {"../escape": b"x", "manifest.json": b"[]"}, ".."),
    "R_30_a_config_behind_a_link_to_the_host": (
        {"c.json": link("c.json", "/etc/hostname"), "manifest.json": manifest()}, "c.json"),
    "R_30_a_layer_above_the_archive": (
        {"c.json": CONFIG, "manifest.json": manifest(layers=("../../../../etc/passwd",))}, "passwd"),
    "R_40_a_manifest_too_large": (
        {"manifest.json": b"[" + b" " * (5 << 20) + b"]"}, "manifest.json"),
    "a_layer_that_is_not_what_the_config_says": (
        {"c.json": CONFIG, "l.tar": hostile({"f": b"x"}), "manifest.json": manifest()}, "sha256"),
    "R_49_a_document_that_is_index_and_manifest": (
        {"index.json": json.dumps({"schemaVersion": 2, "manifests": [], "layers": []}).encode()},
        "ambiguous"),
    "no_images_at_all": ({"readme": b"nothing"}, "neither manifest.json nor index.json"),
    "a_manifest_that_is_none": ({"manifest.json": b"{"}, "manifest.json"),
}


@pytest.mark.davit_only
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(engine, case):
    files, complaint = HOSTILE[case]
    before = engine.images()
    status, answer = engine.request("POST", "/v1.41/images/load?quiet=1", hostile(files),
                                    {"Content-Type": "application/x-tar"})
    assert complaint in str(answer), (status, answer)
    assert engine.images() == before
    assert engine.request("GET", "/_ping")[0] == 200


def test_diff_tells_what_changed(cli, name):
    made = name()
    cli("run", "--name", made, TOOLBOX, "sh", "-c",
        "echo new > /etc/added; rm /etc/group; echo more >> /etc/passwd; mkdir /fresh; touch /fresh/f")
    lines = set(cli("diff", made).splitlines())
    assert {"C /etc", "A /etc/added", "D /etc/group", "C /etc/passwd", "A /fresh",
            "A /fresh/f"} == lines


def test_diff_of_an_untouched_container_is_empty(cli, name):
    made = name()
    cli("run", "--name", made, TOOLBOX, "true")
    assert cli("diff", made) == ""


def test_commit_makes_an_image_with_what_changed(cli, name):
    made = name()
    cli("run", "--name", made, "--env", "KEPT=1", TOOLBOX, "sh", "-c",
        "echo new > /etc/added; rm /etc/group; mkdir /fresh; ln -s /etc/added /fresh/link")
    identity = cli("commit", "-a", "Somebody", "-m", "words", "-c", "ENV MORE=2",
                   "-c", 'CMD ["cat", "/fresh/link"]', "-c", "LABEL a=b", "-c", "EXPOSE 80",
                   "-c", "WORKDIR /fresh", "-c", "USER root", made, "committed:1")
    image = cli.inspect("committed:1")
    assert image["Id"] == identity and image["Author"] == "Somebody"
    assert image["Comment"] == "words" and image["Parent"] == cli.inspect(TOOLBOX)["Id"]
    assert {"KEPT=1", "MORE=2"} <= set(image["Config"]["Env"])
    assert image["Config"]["Labels"]["a"] == "b" and "80/tcp" in image["Config"]["ExposedPorts"]
    assert len(image["RootFS"]["Layers"]) == len(cli.inspect(TOOLBOX)["RootFS"]["Layers"]) + 1
    assert cli("run", "--rm", "committed:1") == "new"
    assert cli("run", "--rm", "committed:1", "sh", "-c", "ls /etc/group || pwd") == "/fresh"
    cli("rm", made)
    cli("rmi", "-f", "committed:1")


def test_commit_of_nothing_adds_no_layer(cli, name):
    made = name()
    cli("create", "--name", made, TOOLBOX, "true")
    cli("commit", "-c", "ENV ONLY=config", made, "committed:2")
    assert cli.inspect("committed:2")["RootFS"] == cli.inspect(TOOLBOX)["RootFS"] or \
        cli.engine.name == "dockerd"
    cli("rm", made)
    cli("rmi", "-f", "committed:2")


def test_commit_of_a_running_container_leaves_it_running(cli, name):
    made = name()
    cli("run", "-d", "--name", made, TOOLBOX, "sh", "-c", "echo x > /written; sleep 300")
    cli("exec", made, "sh", "-c", "until [ -e /written ]; do :; done")
    cli("commit", made, "committed:3")
    state = cli.inspect(made)["State"]
    assert state["Running"] and not state["Paused"]
    assert cli("run", "--rm", "committed:3", "cat", "/written") == "x"
    cli("rm", "-f", made)
    cli("rmi", "-f", "committed:3")


def test_a_committed_image_is_saved_and_loaded(cli, name, tmp_path):
    made = name()
    cli("run", "--name", made, TOOLBOX, "sh", "-c", "echo kept > /written; rm /etc/group")
    cli("commit", made, "committed:4")
    cli("rm", made)
    identity = cli.inspect("committed:4")["Id"]
    cli("save", "-o", tmp_path / "c.tar", "committed:4")
    cli("rmi", "-f", "committed:4")
    cli("load", "-i", tmp_path / "c.tar")
    assert cli.inspect("committed:4")["Id"] == identity
    assert cli("run", "--rm", "committed:4", "sh", "-c", "cat /written; ls /etc/group || true") \
        == "kept"
    cli("rmi", "-f", "committed:4")


def test_wrong_changes_are_refused(cli, name):
    made = name()
    cli("create", "--name", made, TOOLBOX, "true")
    cli.fails("commit", "-c", "RUN make", made, "committed:5", code=1)
    cli.fails("commit", "-c", "EXPOSE many", made, "committed:5", code=1)
    assert cli("images", "-q", "committed") == ""
    cli("rm", made)


def test_export_and_import(cli, name, tmp_path):
    made = name()
    cli("run", "--name", made, TOOLBOX, "sh", "-c", "echo files > /written; chown 12:34 /written")
    path = tmp_path / "files.tar"
    cli("export", "-o", path, made)
    cli("rm", made)
    with tarfile.open(path) as archive:
        member = next(one for one in archive if one.name.removeprefix("./") == "written")
        assert (member.uid, member.gid, archive.extractfile(member).read()) == (12, 34, b"files\n")
    out = cli("import", "-m", "from files", "-c", 'CMD ["cat", "/written"]', path, "imported:1")
    assert out.startswith("sha256:")
    image = cli.inspect("imported:1")
    assert image["Id"] == out and len(image["RootFS"]["Layers"]) == 1
    assert image["Comment"] == "from files"
    assert cli("run", "--rm", "imported:1") == "files"
    assert cli("run", "--rm", "imported:1", "stat", "-c", "%u:%g", "/written") == "12:34"
    cli("rmi", "-f", "imported:1")


def test_save_of_what_is_not_there_is_an_error(cli, tmp_path):
    assert "No such image" in cli.fails("save", "-o", tmp_path / "x.tar", "no-such", code=1) or \
        cli.engine.name == "dockerd"
    assert not os.path.exists(tmp_path / "x.tar")


def test_system_df_counts_images_and_containers(cli, name):
    made = name()
    cli("run", "--name", made, TOOLBOX, "sh", "-c", "head -c 1000000 /dev/zero > /big")
    lines = [json.loads(line) for line in
             cli("system", "df", "--format", "{{json .}}").splitlines()]
    table = {line["Type"]: line for line in lines}
    assert int(table["Images"]["TotalCount"]) >= 3 and int(table["Images"]["Active"]) >= 1
    assert "MB" in table["Containers"]["Size"]
    assert made in cli("system", "df", "-v")
    cli("rm", made)
    assert table["Local Volumes"]


@pytest.mark.davit_only
def test_system_df_counts_volumes(davit, name):
    made = name()
    davit("run", "--name", made, "-v", "/filled", TOOLBOX, "sh", "-c",
          "head -c 1000000 /dev/zero > /filled/big")
    lines = [json.loads(line) for line in
             davit("system", "df", "--format", "{{json .}}").splitlines()]
    volumes = next(line for line in lines if line["Type"] == "Local Volumes")
    assert volumes["TotalCount"] == "1" and "MB" in volumes["Size"], volumes
    davit("rm", "-v", made)


@pytest.mark.davit_only
def test_system_prune_takes_what_nobody_uses(davit, name):
    made = name()
    davit("run", "--name", made, TOOLBOX, "true")
    davit("pull", "-q", LAYERS)
    davit("tag", BUSYBOX, LAYERS)
    out = davit("system", "prune", "-f")
    assert "Deleted Containers:" in out and "Total reclaimed space:" in out
    assert davit("ps", "-aq", "--filter", f"name={made}") == ""
    davit("rmi", "-f", LAYERS)
