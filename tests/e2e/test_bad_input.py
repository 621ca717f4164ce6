# SPDX-License-Identifier: Apache-2.0
"""What cannot work ends with a clear error, and leaves nothing behind."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

import oci
import small
from conftest import BUILD, REGISTRY
from harness.engine import Davitd
from harness.registry import OwnRegistry

pytestmark = pytest.mark.davit_only
BUSYBOX = f"{REGISTRY}/busybox"


@pytest.fixture
def bad_registry(engine, tmp_path):
    """A registry with one image of four layers; a test chooses what is wrong with it."""
    layout = oci.Layout(tmp_path / "layout")
    # Random, and from the first layer on: nothing of it can be there already.
    blobs = [oci.layer(oci.tar([oci.file(f"file{number}", os.urandom(300_000))])) for number in (0, 1, 2)]
    blobs.append(small.busybox_layer())
    layout.tag({"latest": layout.image(blobs, {"Cmd": ["sh"]})})
    server = OwnRegistry(engine.sandbox, layout)
    server.manifest = layout.read_json(layout.tags()["latest"]["digest"])
    server.image = f"{server.address}/bad"
    yield server
    server.close()


def layer(server, number):
    return server.manifest["layers"][number]["digest"]


def test_a_whole_registry_is_pulled(docker, bad_registry):
    docker("pull", bad_registry.image)
    assert docker("run", "--rm", bad_registry.image, "wc", "-c", "/file2") == "300000 /file2"


def test_a_connection_that_breaks_is_resumed_where_it_broke(docker, bad_registry):
    bad_registry.faults[layer(bad_registry, 2)] = ("cut", 1)
    docker("pull", bad_registry.image)
    ranges = [headers["Range"] for _, path, headers in bad_registry.requests
              if layer(bad_registry, 2) in path and "Range" in headers]
    assert len(ranges) == 1 and int(re.search(r"\d+", ranges[0])[0]) > 0


def test_a_registry_that_is_gone_mid_layer_is_an_error(docker, bad_registry):
    bad_registry.faults[layer(bad_registry, 1)] = "gone"
    assert docker.fails("pull", bad_registry.image, code=1, timeout=120).strip()
    docker.fails("inspect", bad_registry.image, code=1)


@pytest.mark.parametrize("fault", ["flipped", "short", "missing"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_layer_that_is_not_what_the_manifest_says_is_an_error(docker, bad_registry, fault, which):
    bad_registry.faults[layer(bad_registry, which)] = fault
    assert layer(bad_registry, which)[:19] in docker.fails("pull", bad_registry.image, code=1) or \
        fault == "missing"
    docker.fails("inspect", bad_registry.image, code=1)


@pytest.mark.parametrize("fault", ["flipped", "short", "missing"])
def test_a_configuration_that_is_not_what_the_manifest_says_is_an_error(docker, bad_registry, fault):
    bad_registry.faults[bad_registry.manifest["config"]["digest"]] = fault
    docker.fails("pull", bad_registry.image, code=1)


def test_a_pull_works_once_the_registry_is_mended(docker, bad_registry):
    bad_registry.faults[layer(bad_registry, 2)] = "flipped"
    docker.fails("pull", bad_registry.image, code=1)
    bad_registry.faults.clear()
    docker("pull", bad_registry.image)


def test_a_pull_that_is_cancelled_leaves_nothing(docker, bad_registry):
    bad_registry.faults[layer(bad_registry, 1)] = ("cut", 1000)
    process = docker.start("pull", bad_registry.image)
    while not any("/blobs/" in path for _, path, _ in bad_registry.requests):
        assert process.poll() is None
    process.terminate()
    process.communicate()
    docker.fails("inspect", bad_registry.image, code=1)


# davitd's own start. Each has directories of its own, beside the engine of the other tests.

class Start:
    """A davitd that is expected to refuse: the code it ends with and what it says."""

    def __init__(self, sandbox, place):
        self.sandbox, self.place = sandbox, place
        self.data, self.exec = place / "data", place / "exec"

    def run(self, *flags, data=None):
        words = [BUILD / "bin/davitd", "--data-root", data or self.data, "--exec-root", self.exec,
                 "--pidfile", self.place / "pid", "-H", f"unix://{self.place}/sock", *flags]
        done = subprocess.run(self.sandbox.enter(*words), stdin=subprocess.DEVNULL, timeout=30,
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def refuses(self, *flags, says, data=None):
        code, text = self.run(*flags, data=data)
        assert code not in (0, -6, -11), text
        assert re.search(says, text), text

    def configuration(self, content):
        path = self.place / "daemon.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return ("--config-file", path)


@pytest.fixture
def start(host):
    sandbox, place = host
    own = place / "refused"
    own.mkdir()
    yield Start(sandbox, own)
    shutil.rmtree(own)


def test_broken_json_is_refused_with_its_line(start):
    start.refuses(*start.configuration('{\n "debug": true,\n "hosts": [\n}\n'), says=r"daemon\.json.*4")


def test_an_unknown_key_is_refused_by_name(start):
    start.refuses(*start.configuration({"no-such-key": 1}), says="no-such-key")


def test_an_unknown_driver_is_refused_by_name(start):
    start.refuses(*start.configuration(
        {"storage": {"default": "x", "instances": {"x": {"driver": "no-such-driver"}}}}),
        says="no-such-driver")


def test_a_wrong_option_of_a_driver_is_refused_by_name(start):
    start.refuses(*start.configuration(
        {"storage": {"default": "x", "instances": {
            "x": {"driver": "overlay", "config": {"no-such-option": 1}}}}}), says="no-such-option")


def test_an_unknown_storage_driver_flag_is_refused(start):
    start.refuses("--storage-driver", "no-such-driver", says="no-such-driver")


def test_a_root_that_cannot_be_written_is_refused(start):
    start.sandbox.run("mount", "-t", "tmpfs", "-o", "ro", "none", start.place)
    try:
        start.refuses(says="(?i)read-only file system")
    finally:
        start.sandbox.run("umount", start.place)


def test_a_root_that_is_a_file_is_refused(start):
    start.data.write_text("")
    start.refuses(says="(?i)not a directory|file exists")


def test_validate_accepts_a_good_configuration_and_starts_nothing(start):
    code, text = start.run(*start.configuration({"debug": True}), "--validate")
    assert code == 0, text
    assert not start.data.exists()


def test_validate_refuses_a_bad_configuration(start):
    start.refuses(*start.configuration({"debug": "perhaps"}), "--validate", says="debug")


def test_a_second_daemon_on_the_same_root_is_refused(start, engine):
    start.refuses(data=engine.data, says="(?i)in use|another|held|locked")


def test_a_driver_of_another_abi_major_is_refused(start):
    start.refuses(*start.configuration(
        {"driver-path": [str(BUILD / "tests/drivers")],
         "storage": {"default": "x", "instances": {"x": {"driver": "other-major"}}}}),
        says=r"other-major\.so.*built for ABI major 1, this engine speaks 0")


def test_a_driver_of_another_owner_is_refused(start):
    drivers = start.place / "drivers"
    drivers.mkdir()
    stray = drivers / "stray.so"
    shutil.copy(BUILD / "lib/davit/drivers/storage/overlay.so" if
                (BUILD / "lib/davit/drivers/storage").is_dir() else
                next(pathlib.Path(BUILD / "lib/davit/drivers").rglob("*overlay*.so")), stray)
    os.chown(stray, 1234, 1234)
    start.refuses(*start.configuration(
        {"driver-path": [str(drivers)],
         "storage": {"default": "x", "instances": {"x": {"driver": "stray"}}}}),
        says=r"stray\.so.*(owner|owned|root)")


@pytest.fixture
def own(host, request):
    """A davitd of this test's own, not started; ended and removed after it."""
    sandbox, place = host
    directory = place / getattr(request, "param", "own")
    directory.mkdir(parents=True)
    one = Davitd(sandbox, directory, BUILD)
    yield one
    one.close()
    sandbox.run("sh", "-c", f"! mountpoint -q {one.data} || umount {one.data}")
    # Its network outlives it, for containers may; here none does, and the host is not its own.
    scope = one.cgroup_name()
    sandbox.run("sh", "-c", f"ip link delete dv{scope}; nft delete table inet davit-{scope}; true")
    shutil.rmtree(place / getattr(request, "param", "own").split("/")[0])


def images(engine, *references):
    for reference in references:
        repository, _, tag = reference.rpartition(":")
        status, text = engine.request("POST", f"/v1.41/images/create?fromImage={repository}&tag={tag}")
        if status != 200 or '"error"' in str(text):
            return str(text)
    return None


@pytest.mark.parametrize("own", ["/".join(["a-rather-long-name"] * 10)], indirect=True)
def test_a_root_path_of_200_characters_works(own):
    assert len(str(own.data)) > 200
    own.host = f"unix:///tmp/davit-e2e-{os.getpid()}.sock"
    own.socket = pathlib.Path(own.host.removeprefix("unix://"))
    own.start()
    assert images(own, f"{BUSYBOX}:latest") is None
    status, made = own.request("POST", "/v1.41/containers/create",
                               {"Image": BUSYBOX, "Cmd": ["sh", "-c", "exit 3"]})
    assert status == 201
    assert own.request("POST", f"/v1.41/containers/{made['Id']}/start")[0] == 204
    assert own.request("POST", f"/v1.41/containers/{made['Id']}/wait")[1]["StatusCode"] == 3


def test_a_full_disk_during_unpack_is_an_error_and_leaves_nothing(own):
    own.data.mkdir()
    own.sandbox.run("mount", "-t", "tmpfs", "-o", "size=24m", "none", own.data)
    own.start()
    assert images(own, f"{BUSYBOX}:latest") is None
    said = images(own, f"{REGISTRY}/nginx:plain")
    assert said and "no space left" in said.lower(), said
    assert [one["RepoTags"] for one in own.images()] == [[f"{BUSYBOX}:latest"]]
    for _ in range(100):  # files are deleted after the answer
        used = int(own.sandbox.run("df", "--output=used", own.data).split()[-1])
        if used < 8 * 1024:
            break
        time.sleep(0.1)
    assert used < 8 * 1024, f"{used} KiB are still in use"


def test_two_daemons_on_one_host_do_not_disturb_each_other(engine, docker, own, name):
    own.start()
    assert images(own, f"{BUSYBOX}:latest") is None
    made = name()
    docker("run", "-d", "--name", made, "-p", "127.0.0.1:0:80", BUSYBOX, "sleep", "60")
    status, other = own.request("POST", "/v1.41/containers/create?name=other", {
        "Image": BUSYBOX, "Cmd": ["sleep", "60"], "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}}})
    assert status == 201 and own.request("POST", f"/v1.41/containers/{other['Id']}/start")[0] == 204
    address = docker.inspect(made)["NetworkSettings"]["IPAddress"]
    inspected = own.get(f"/v1.41/containers/{other['Id']}/json")
    assert inspected["State"]["Running"] and inspected["NetworkSettings"]["IPAddress"] != address
    assert [one["Names"] for one in engine.containers()] == [[f"/{made}"]]


def test_the_daemons_log_options_are_those_of_containers_that_name_none(own):
    own.work.joinpath("daemon.json").write_text(json.dumps(
        {"log-opts": {"max-size": "4k", "max-file": "2"}}))
    own.flags = ["--config-file", own.work / "daemon.json"]
    own.start()
    assert images(own, f"{BUSYBOX}:latest") is None
    shown = []
    for log in ({}, {"Type": "json-file", "Config": {"max-file": "3"}}, {"Type": "none"}):
        status, made = own.request("POST", "/v1.41/containers/create", {
            "Image": BUSYBOX, "Cmd": ["seq", "2000"], "HostConfig": {"LogConfig": log}})
        assert status == 201, made
        shown.append(own.get(f"/v1.41/containers/{made['Id']}/json")["HostConfig"]["LogConfig"])
        assert own.request("POST", f"/v1.41/containers/{made['Id']}/start")[0] == 204
        own.request("POST", f"/v1.41/containers/{made['Id']}/wait")
        files = [path.name for path in (own.data / "containers" / made["Id"]).glob("*-json.log*")]
        assert len(files) == {"2": 2, "3": 3}.get(shown[-1]["Config"].get("max-file"), 0), files
    assert shown == [{"Type": "json-file", "Config": {"max-size": "4k", "max-file": "2"}},
                     {"Type": "json-file", "Config": {"max-size": "4k", "max-file": "3"}},
                     {"Type": "none", "Config": {}}]
