# SPDX-License-Identifier: Apache-2.0
"""`version`, `info`, `pull`, `images` and `rmi` through every command line."""
import json

import pytest

from conftest import REGISTRY

LAYERS = f"{REGISTRY}/layers"


def test_version_tells_client_and_server(cli):
    versions = json.loads(cli("version", "--format", "{{json .}}"))
    assert versions["Client"]["Version"] and versions["Server"]["ApiVersion"]


def test_info_tells_the_storage_driver_and_the_root(cli, engine):
    info = json.loads(cli("info", "--format", "{{json .}}"))
    assert info["DockerRootDir"] == str(engine.data)
    assert info["Driver"] in ("overlay2", "overlay") and info["NCPU"] >= 1


def test_pull_says_what_it_did(cli):
    out = cli("pull", LAYERS)
    assert "Digest: sha256:" in out and f"Status: Downloaded newer image for {LAYERS}:latest" in out
    assert f"Status: Image is up to date for {LAYERS}:latest" in cli("pull", LAYERS)


def test_pull_quiet_prints_the_name(cli):
    assert cli("pull", "-q", LAYERS) == f"{LAYERS}:latest"


def test_pull_of_an_unknown_image_is_an_error(cli):
    assert "not found" in cli.fails("pull", f"{REGISTRY}/no-such-image", code=1)


def test_pull_by_digest(cli):
    cli("pull", "-q", LAYERS)
    digest = cli("images", "--digests", "--format", "{{.Digest}}", LAYERS)
    cli("rmi", LAYERS)
    cli("pull", "-q", f"{LAYERS}@{digest}")
    assert cli.inspect(f"{LAYERS}@{digest}")["RepoDigests"] == [f"{LAYERS}@{digest}"]
    cli("rmi", f"{LAYERS}@{digest}")


# The image is busybox:latest under another name: its manifest stays as one more of that image's.
@pytest.mark.keeps_documents
def test_pull_reads_dockers_own_manifest_format(cli):
    cli("pull", "-q", f"{REGISTRY}/busybox:v2s2")
    assert cli("run", "--rm", f"{REGISTRY}/busybox:v2s2", "echo", "runs") == "runs"


# The image is busybox:latest under another name: its manifest stays as one more of that image's.
@pytest.mark.keeps_documents
def test_pull_takes_this_platform_from_an_index(cli):
    cli("pull", "-q", f"{REGISTRY}/busybox:multi")
    assert cli.inspect(f"{REGISTRY}/busybox:multi")["Architecture"] == "amd64"


def test_pull_of_an_index_without_this_platform_is_an_error(cli):
    assert "no matching manifest for linux/amd64" in \
        cli.fails("pull", f"{REGISTRY}/busybox:foreign", code=1)


def test_images_lists_what_was_pulled(cli):
    cli("pull", "-q", LAYERS)
    line = cli("images", "--format", "{{.Repository}}|{{.Tag}}|{{.ID}}", LAYERS)
    identity = cli.inspect(LAYERS)["Id"]
    assert line == f"{LAYERS}|latest|{identity.removeprefix('sha256:')[:12]}"
    assert cli("images", "-q", "--no-trunc", LAYERS) == identity


def test_rmi_removes_an_image(cli):
    cli("pull", "-q", LAYERS)
    out = cli("rmi", LAYERS)
    assert f"Untagged: {LAYERS}:latest" in out and "Deleted: sha256:" in out
    assert cli("images", "-q", LAYERS) == ""


def test_rmi_of_an_image_in_use_is_an_error(cli, name):
    cli("pull", "-q", LAYERS)
    made = name()
    cli("create", "--name", made, LAYERS)
    assert "is using its referenced image" in cli.fails("rmi", LAYERS, code=1)
    cli("rm", made)


def test_layers_apply_one_upon_the_other(cli):
    script = ("cd /data; ls; cat replaced first last; ls emptied; stat -c %h first; "
              "stat -c '%a %u:%g' /home/app/orphan; cat becomes-file; ls becomes-directory")
    assert cli("run", "--rm", LAYERS, "sh", "-c", script).splitlines() == [
        "absolute", "becomes-directory", "becomes-file", "emptied", "first", "kept", "last",
        "replaced", "second", "new", "linked", "from gzip", "above", "2",
        "600 1234:1234", "now a file", "inner"]


@pytest.mark.davit_only  # dockerd 20.10 makes the directory anew, as root's
def test_a_file_without_its_directory_keeps_the_directory_of_the_layer_below(cli):
    assert cli("run", "--rm", LAYERS, "stat", "-c", "%a %u:%g", "/home/app") == "750 1234:1234"


@pytest.mark.davit_only  # dockerd 20.10 cannot unpack it
def test_a_hard_link_to_a_file_of_a_lower_layer(cli):
    assert cli("run", "--rm", f"{REGISTRY}/layers:lower-link", "cat", "/data/to-lower") == "kept"


@pytest.mark.davit_only  # dockerd 20.10 reads no zstd
def test_a_layer_compressed_by_zstd(cli):
    assert cli("run", "--rm", f"{REGISTRY}/layers:zstd", "cat", "/data/last") == "from zstd"
