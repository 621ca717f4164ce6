# SPDX-License-Identifier: Apache-2.0
"""`push` through every command line: what arrives is what was there, as skopeo, dockerd and a fresh
pull see it; what the registry has is not sent again."""
import json
import subprocess

import pytest

import registry as registries
from conftest import REGISTRY

LAYERS = f"{REGISTRY}/layers:latest"
TOOLBOX = f"{REGISTRY}/toolbox:latest"
PORT = 5001
TARGET = f"127.0.0.1:{PORT}"


@pytest.fixture
def target(host, tmp_path_factory):
    """An empty registry that takes pushes, beside the one that images come from."""
    sandbox, _ = host
    place = tmp_path_factory.mktemp("target")
    with sandbox.network():
        server = registries.Registry(place / "store", place, PORT)
    yield server
    server.stop()


def skopeo(engine, *words):
    done = subprocess.run(engine.sandbox.enter("skopeo", *words), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def remote(engine, name, *options):
    return json.loads(skopeo(engine, "inspect", "--tls-verify=false", *options, f"docker://{name}"))


def test_what_was_pushed_pulls_the_same(cli, engine, target, tmp_path):
    cli("pull", "-q", LAYERS)
    image = cli.inspect(LAYERS)
    name = f"{TARGET}/team/layers:1"
    cli("tag", LAYERS, name)
    out = cli("push", name)
    assert "The push refers to repository" in out and "digest: sha256:" in out
    digest = out.split("digest: ")[1].split()[0]
    assert f"{TARGET}/team/layers@{digest}" in cli.inspect(name)["RepoDigests"]
    config = remote(engine, name, "--config", "--raw")
    assert config["rootfs"]["diff_ids"] == image["RootFS"]["Layers"]
    skopeo(engine, "copy", "-q", "--src-tls-verify=false", f"docker://{name}",
           f"dir:{tmp_path / 'copy'}")  # verifies every blob
    cli("rmi", "-f", name, LAYERS)
    cli("pull", "-q", name)
    assert cli.inspect(name)["Id"] == image["Id"]
    assert cli("run", "--rm", name, "cat", "/data/last") == "from gzip"
    cli("rmi", "-f", name)


def test_a_second_push_sends_nothing(cli, target):
    cli("pull", "-q", LAYERS)
    name = f"{TARGET}/again:1"
    cli("tag", LAYERS, name)
    first = cli("push", name).splitlines()[-1]
    out = cli("push", name)
    assert "Layer already exists" in out and "Pushed" not in out
    assert out.splitlines()[-1] == first
    cli("rmi", "-f", name, LAYERS)


@pytest.mark.davit_only  # which words are dockerd's depends on what it pulled before
def test_another_repository_of_the_registry_is_mounted(cli, target):
    cli("pull", "-q", LAYERS)
    first, second = f"{TARGET}/first:1", f"{TARGET}/second/one:1"
    cli("tag", LAYERS, first)
    cli("tag", LAYERS, second)
    cli("push", first)
    out = cli("push", second)
    assert "Mounted from first" in out and "Pushed" not in out
    cli("rmi", "-f", first, second, LAYERS)


@pytest.mark.davit_only
def test_back_to_where_it_came_from_goes_the_same_manifest(cli, engine, target):
    cli("pull", "-q", LAYERS)
    name = f"{TARGET}/origin:1"
    cli("tag", LAYERS, name)
    cli("push", name)
    cli("rmi", "-f", name, LAYERS)
    cli("pull", "-q", name)
    before = remote(engine, name)["Digest"]
    cli("tag", name, f"{TARGET}/origin:2")
    cli("push", f"{TARGET}/origin:2")
    assert remote(engine, f"{TARGET}/origin:2")["Digest"] == before
    cli("rmi", "-f", name, f"{TARGET}/origin:2")


def test_a_committed_image_is_pushed(cli, engine, name, target, reference):
    made = name()
    cli("run", "--name", made, TOOLBOX, "sh", "-c", "echo pushed > /written; rm /etc/group")
    image = f"{TARGET}/committed:1"
    identity = cli("commit", made, image)
    cli("rm", made)
    cli("push", image)
    cli("rmi", "-f", image)
    cli("pull", "-q", image)
    assert cli.inspect(image)["Id"] == identity
    assert cli("run", "--rm", image, "sh", "-c", "cat /written; ls /etc/group || true") == "pushed"
    cli("rmi", "-f", image)


def test_every_tag_is_pushed(cli, engine, target):
    cli("pull", "-q", LAYERS)
    for tag in ("a", "b"):
        cli("tag", LAYERS, f"{TARGET}/many:{tag}")
    cli("push", "--all-tags", f"{TARGET}/many")
    assert sorted(remote(engine, f"{TARGET}/many:a")["RepoTags"]) == ["a", "b"]
    cli("rmi", "-f", f"{TARGET}/many:a", f"{TARGET}/many:b", LAYERS)


def test_push_of_what_is_not_there_is_an_error(cli, target):
    error = cli.fails("push", f"{TARGET}/no-such:1", code=1)
    assert "no-such" in error


@pytest.mark.davit_only
def test_push_to_a_registry_that_is_gone_is_an_error(cli, engine):
    cli("tag", TOOLBOX, "127.0.0.1:5999/gone:1")
    cli.fails("push", "127.0.0.1:5999/gone:1", code=1)
    cli("rmi", "-f", "127.0.0.1:5999/gone:1")


@pytest.mark.davit_only
def test_distribution_tells_what_a_registry_has(engine):
    told = engine.get(f"/v1.41/distribution/{REGISTRY}/busybox:multi/json")
    assert told["Descriptor"]["digest"].startswith("sha256:")
    assert {"architecture": "amd64", "os": "linux"} in told["Platforms"]
    assert engine.request("GET", f"/v1.41/distribution/{REGISTRY}/no-such/json")[0] == 404
