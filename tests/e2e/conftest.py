# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests.

The engine under test is davitd of DAVIT_BUILD (default: build/dev of this tree); DAVIT_ENGINE=dockerd runs
the same tests against the reference, to try the tests themselves.
"""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "images")]
import registry as registries  # noqa: E402
from harness import leaks  # noqa: E402
from harness.cli import Cli  # noqa: E402
from harness.engine import Davitd, Dockerd  # noqa: E402
from harness.sandbox import Sandbox  # noqa: E402

BUILD = pathlib.Path(os.environ.get("DAVIT_BUILD", TOP / "build/dev")).resolve()
CACHE = pathlib.Path(os.environ.get("DAVIT_CACHE", "/var/cache/davit-test"))
ENGINE = os.environ.get("DAVIT_ENGINE", "davitd")
REGISTRY_PORT = 5000  # the same in every sandbox, so that image names are
REGISTRY = f"127.0.0.1:{REGISTRY_PORT}"
# Pulled once for each engine; a test that needs another pulls it, and it is removed after the test.
COMMON_IMAGES = [f"{REGISTRY}/{name}" for name in ("busybox:latest", "toolbox:latest", "toolbox:app")]


def docker_programs():
    """{name: path} of the docker CLIs here: Debian's always, a newer one where there is one."""
    found = {"docker20": "/usr/bin/docker"}
    newer = os.environ.get("DAVIT_DOCKER", "/usr/local/bin/docker")
    if os.access(newer, os.X_OK):
        found["docker28"] = newer
    return found


def clis():
    own = ["davit"] if ENGINE == "davitd" or (BUILD / "bin/davit").exists() else []
    return own + sorted(docker_programs())


def pytest_configure(config):
    config.addinivalue_line("markers", "davit_only: speaks of davitd; no sense against dockerd")
    config.addinivalue_line("markers", "reference: compares with dockerd (set by the fixture)")
    config.addinivalue_line("markers", "keeps_documents: documents of an image that stays may stay")
    config.addinivalue_line("markers", "own_engine: brings its own engine; no leak check around it")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "shared_reference" in item.fixturenames:
            item.add_marker("reference")
    if ENGINE == "dockerd":
        items[:] = [item for item in items if not item.get_closest_marker("davit_only")]


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):  # once, not in every xdist worker
        if os.geteuid():
            pytest.exit("the end-to-end tests need root", 1)
        subprocess.run([HERE.parent / "images/build"], check=True)
        if ENGINE == "davitd" and not (BUILD / "bin/davitd").exists():
            pytest.exit(f"no {BUILD}/bin/davitd: build it first", 1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for name in ("engine", "own"):
            one = getattr(item, "funcargs", {}).get(name)
            if isinstance(one, Davitd):
                report.sections.append((f"log of {one.name}", one.last_lines()))


@pytest.fixture(scope="session")
def work():
    """A directory of this worker's, on a file system that can carry overlays."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="davit-e2e-", dir="/var/tmp"))
    yield path
    for _ in range(20):  # the kernel may still be taking down the last overlay
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)


def make_host(work, name):
    """A sandbox with the registry of all test images in it."""
    place = work / name
    place.mkdir()
    sandbox = Sandbox(place)
    with sandbox.network():
        server = registries.Registry(CACHE / "registry", place, REGISTRY_PORT, readonly=True)
    return sandbox, server, place


@pytest.fixture(scope="session")
def host(work):
    sandbox, server, place = make_host(work, "host")
    yield sandbox, place
    server.stop()
    sandbox.close()


@pytest.fixture(scope="session")
def shared_engine(host):
    sandbox, place = host
    one = (Davitd(sandbox, place, BUILD) if ENGINE == "davitd" else Dockerd(sandbox, place))
    try:
        one.start()
        for image in COMMON_IMAGES:
            pull(one, image)
        warm_up(one)
        yield one
    finally:
        one.close()


@pytest.fixture(scope="session")
def shared_reference(work):
    """Debian's dockerd on a host of its own, with the same images."""
    sandbox, server, place = make_host(work, "reference")
    one = Dockerd(sandbox, place)
    try:
        one.start()
        for image in COMMON_IMAGES:
            pull(one, image)
        yield one
    finally:
        one.close()
        server.stop()
        sandbox.close()


@pytest.fixture
def reference(shared_reference):
    """The reference engine; what the test made there is removed after it."""
    yield shared_reference
    shared_reference.remove_containers()
    shared_reference.remove_volumes()
    shared_reference.remove_images_except(set(COMMON_IMAGES))


@pytest.fixture
def engine(shared_engine, request):
    """The engine under test. Afterwards its containers are removed, and nothing else may be left."""
    if shared_engine.process.poll() is not None:
        shared_engine.start()
    if shared_engine.warm != shared_engine.pid:  # a test before has restarted it
        warm_up(shared_engine)
    before = leaks.snapshot(shared_engine)
    yield shared_engine
    assert shared_engine.process.poll() is None, f"{shared_engine.name} died:\n" + \
        shared_engine.last_lines()
    shared_engine.remove_containers()
    shared_engine.remove_volumes()
    shared_engine.remove_images_except(set(COMMON_IMAGES))
    kinds = shared_engine.gives_back
    if request.node.get_closest_marker("keeps_documents"):
        kinds = [kind for kind in kinds if kind != "directory"]
    left = leaks.leaks(shared_engine, before, kinds=kinds)
    assert not left, "left behind:\n" + "\n".join(f"  {kind}: {thing} (+{count})"
                                                  for kind, thing, count in left)


@pytest.fixture(params=clis())
def cli(request, engine, work):
    """Each command line in turn, speaking to the engine under test."""
    return make_cli(request.param, engine, work)


@pytest.fixture
def docker(engine, work):
    """Debian's docker CLI on the engine under test, for what does not depend on the command line."""
    return make_cli("docker20", engine, work)


@pytest.fixture
def davit(engine, work):
    return make_cli("davit", engine, work)


@pytest.fixture
def reference_cli(reference, work):
    """Debian's docker CLI on the reference engine."""
    return make_cli("docker20", reference, work)


_numbers = itertools.count(1)


@pytest.fixture
def name(request):
    """A function that gives names nobody else uses."""
    return lambda word="c": f"{word}-{os.getpid()}-{next(_numbers)}"


def make_cli(name, engine, work):
    program = BUILD / "bin/davit" if name == "davit" else docker_programs()[name]
    return Cli(name, program, engine, work)


def pull(engine, reference):
    repository, _, tag = reference.rpartition(":")
    status, answer = engine.request(
        "POST", f"/v1.41/images/create?fromImage={repository}&tag={tag}", timeout=120)
    assert status == 200 and '"error"' not in str(answer), f"pull {reference}: {status} {str(answer)[-400:]}"


def warm_up(engine):
    """What an engine opens at first use it may keep: once through a container's life, with a port."""
    body = {"Image": COMMON_IMAGES[1], "Cmd": ["true"], "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}}}
    status, made = engine.request("POST", "/v1.41/containers/create", body)
    assert status == 201, f"create: {status} {made}"
    status, answer = engine.request("POST", f"/v1.41/containers/{made['Id']}/start")
    assert status == 204, f"start: {status} {answer}"
    engine.request("POST", f"/v1.41/containers/{made['Id']}/wait")
    engine.request("DELETE", f"/v1.41/containers/{made['Id']}?force=1")
    engine.warm = engine.pid
