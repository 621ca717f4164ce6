# SPDX-License-Identifier: Apache-2.0
"""dockerd's clients at their everyday work: docker-py, Testcontainers and dockerode.

They come from their package registries into a folder beside the build, once.
"""
import json
import os
import subprocess

import pytest
from conftest import BUILD, COMMON_IMAGES

pytestmark = pytest.mark.davit_only
BUSYBOX = COMMON_IMAGES[0]
CLIENTS = BUILD.parent / "check/clients"
PYTHON = ["docker==7.1.0", "testcontainers==4.8.2"]
NODE = ["dockerode@4.0.2"]

DOCKER_PY = """
import docker, io, tarfile
client = docker.from_env()
assert client.ping() and client.version()["ApiVersion"] == "1.51" and client.info()["ServerVersion"]
image = client.images.get(IMAGE)
assert image.id in [one.id for one in client.images.list()]
assert client.containers.run(IMAGE, ["echo", "hello"], remove=True) == b"hello\\n"
try:
    client.containers.run(IMAGE, ["sh", "-c", "echo oh >&2; exit 3"], remove=True)
    raise SystemExit("no error")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"oh\\n", error
web = client.containers.run(IMAGE, ["sh", "-c", "echo up; trap 'exit 0' TERM; while :; do sleep 0.1; done"],
                            name=NAME, detach=True, labels={"of": NAME}, ports={"80/tcp": ("127.0.0.1", None)},
                            environment=["A=b"], mem_limit="64m")
web.reload()
assert web.status == "running" and web.ports["80/tcp"][0]["HostIp"] == "127.0.0.1", web.attrs
assert [one.name for one in client.containers.list(filters={"label": "of=" + NAME})] == [NAME]
assert next(web.logs(stream=True)) == b"up\\n" and web.logs(tail=1) == b"up\\n"
assert web.exec_run(["sh", "-c", "echo $A; exit 4"]) == (4, b"b\\n")
code, (out, err) = web.exec_run(["sh", "-c", "echo o; echo e >&2"], demux=True)
assert (code, out, err) == (0, b"o\\n", b"e\\n")
session = client.api.exec_create(web.id, ["cat"], stdin=True)
stream = client.api.exec_start(session["Id"], socket=True)
stream._sock.sendall(b"through\\n"); stream._sock.shutdown(1)
frame = stream.read(8 + 8); assert frame[8:] == b"through\\n", frame
assert "sleep" in str(web.top())
web.rename(NAME + "-two"); web.reload(); assert web.name == NAME + "-two"
web.pause(); web.reload(); assert web.status == "paused"; web.unpause()
web.stop(timeout=5); assert web.wait()["StatusCode"] == 0
web.start(); web.restart(timeout=1); web.kill(); web.wait()
events = list(client.events(since=0, until=int(__import__("time").time()) + 1, decode=True,
                            filters={"container": web.id}))
assert {"create", "start", "die"} <= {event["Action"] for event in events}, events
web.remove()
for what, call in (("container", client.containers.get), ("image", client.images.get)):
    try:
        call("no-such-thing"); raise SystemExit(what)
    except docker.errors.NotFound:
        pass
print("docker-py is content")
"""

TESTCONTAINERS = """
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs
with DockerContainer(IMAGE).with_command(["sh", "-c", "echo ready; sleep 60"]).with_exposed_ports(80) as one:
    wait_for_logs(one, "ready", timeout=20)
    assert int(one.get_exposed_port(80)) > 0
    assert one.exec(["echo", "inside"]).output == b"inside\\n"
print("testcontainers is content")
"""

DOCKERODE = """
const Docker = require('dockerode');
const docker = new Docker({socketPath: process.env.SOCKET});
const {PassThrough} = require('stream');
(async () => {
  const out = new PassThrough(), chunks = [];
  out.on('data', (chunk) => chunks.push(chunk));
  const [end, container] = await docker.run(IMAGE, ['sh', '-c', 'echo from node; exit 6'], [out, out],
                                            {name: NAME, Tty: false});
  if (end.StatusCode !== 6 || Buffer.concat(chunks).toString() !== 'from node\\n')
    throw new Error(JSON.stringify([end, Buffer.concat(chunks).toString()]));
  const all = await docker.listContainers({all: true, filters: {name: [NAME]}});
  if (all.length !== 1 || all[0].Id !== container.id) throw new Error(JSON.stringify(all));
  const logs = await container.logs({stdout: true, stderr: true});
  if (!logs.toString().includes('from node')) throw new Error(logs.toString());
  await container.remove();
  await docker.getContainer(NAME).inspect().then(() => { throw new Error('still there'); },
    (error) => { if (error.statusCode !== 404) throw error; });
  console.log('dockerode is content');
})().catch((error) => { console.error(error); process.exit(1); });
"""


def installed(folder, wanted, install):
    """Runs `install` unless the folder holds what is wanted; a registry out of reach is a failure."""
    note = folder / "installed.json"
    if not note.exists() or json.loads(note.read_text()) != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        for words in install:
            subprocess.run(words, check=True, cwd=folder, timeout=300, capture_output=True)
        note.write_text(json.dumps(wanted))
    return folder


@pytest.fixture(scope="module")
def python():
    place = installed(CLIENTS / "python", PYTHON, [["/usr/bin/python3", "-m", "venv", "."],
                                                   ["bin/pip", "install", "-q", *PYTHON]])
    return place / "bin/python"


@pytest.fixture(scope="module")
def node():
    return installed(CLIENTS / "node", NODE, [["npm", "install", "--silent", "--no-audit", *NODE]])


def run(engine, words, **environment):
    done = subprocess.run(engine.sandbox.enter(*words), capture_output=True, text=True, timeout=120,
                          env=os.environ | {"DOCKER_HOST": engine.host} | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_docker_py(engine, python, name):
    program = f"IMAGE, NAME = {BUSYBOX!r}, {name()!r}\n" + DOCKER_PY
    assert run(engine, [python, "-c", program]) == "docker-py is content"


def test_testcontainers(engine, python):
    program = f"IMAGE = {BUSYBOX!r}\n" + TESTCONTAINERS
    assert "content" in run(engine, [python, "-c", program], TESTCONTAINERS_RYUK_DISABLED="true",
                            TC_HOST="127.0.0.1")


def test_dockerode(engine, node, name):
    program = f"const IMAGE = {json.dumps(BUSYBOX)}, NAME = {json.dumps(name())};\n" + DOCKERODE
    script = node / "work.js"
    script.write_text(program)
    assert run(engine, ["node", script], SOCKET=str(engine.socket)) == "dockerode is content"
