# SPDX-License-Identifier: Apache-2.0
"""How a client reaches the engine: TCP with and without TLS, ssh, contexts, sockets from systemd."""
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess

import pytest
from conftest import BUILD, COMMON_IMAGES, docker_programs, pull
from harness.cli import Cli
from harness.engine import Davitd

pytestmark = [pytest.mark.davit_only, pytest.mark.own_engine]
BUSYBOX = COMMON_IMAGES[0]
PLAIN, SECURE = 23750, 23760


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_certificate(folder, name, authority, extension):
    """A key and a certificate that `authority` signed."""
    key, request, made = folder / "key.pem", folder / "request.pem", folder / "cert.pem"
    folder.mkdir(parents=True, exist_ok=True)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", request, "-subj", f"/CN={name}")
    (folder / "extension").write_text(extension)
    openssl("x509", "-req", "-in", request, "-CA", authority / "ca.pem", "-CAkey",
            authority / "ca-key.pem", "-CAcreateserial", "-days", "2", "-extfile",
            folder / "extension", "-out", made)
    shutil.copy(authority / "ca.pem", folder / "ca.pem")


def make_authority(folder, name):
    folder.mkdir(parents=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
            "2", "-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem", "-subj", f"/CN={name}")


@pytest.fixture(scope="module")
def keys(work):
    """server/, client/ and stranger/ with ca.pem, cert.pem and key.pem; the stranger's from elsewhere."""
    folder = work / "keys"
    make_authority(folder / "authority", "authority")
    make_authority(folder / "elsewhere", "elsewhere")
    make_certificate(folder / "server", "engine", folder / "authority",
                     "subjectAltName=IP:127.0.0.1,DNS:localhost")
    make_certificate(folder / "client", "client", folder / "authority", "extendedKeyUsage=clientAuth")
    make_certificate(folder / "stranger", "stranger", folder / "elsewhere",
                     "extendedKeyUsage=clientAuth")
    shutil.copy(folder / "authority/ca.pem", folder / "stranger/ca.pem")
    return folder


@pytest.fixture(scope="module")
def secure(host, work, keys):
    """An engine that listens on its unix socket and, with mutual TLS, on every address of its host."""
    sandbox, _ = host
    place = work / "secure"
    place.mkdir()
    own = Davitd(sandbox, place, BUILD, "-H", f"tcp://0.0.0.0:{SECURE}", "--tlsverify", "--tlscacert",
                 keys / "server/ca.pem", "--tlscert", keys / "server/cert.pem", "--tlskey",
                 keys / "server/key.pem")
    own.start()
    pull(own, BUSYBOX)
    yield own
    own.remove_containers()
    own.close()


def tls_flags(folder, verify="--tlsverify"):
    return [verify, f"--tlscacert={folder}/ca.pem", f"--tlscert={folder}/cert.pem",
            f"--tlskey={folder}/key.pem"]


class Remote(Cli):
    """A command line that reaches the engine by global flags of its own instead of -H unix://…"""

    def __init__(self, name, engine, work, *flags, program=None):
        super().__init__(name, program or (BUILD / "bin/davit" if name == "davit"
                                           else docker_programs()[name]), engine, work)
        self.flags = flags

    def words(self, *arguments):
        return self.engine.sandbox.enter(self.program, *self.flags, *arguments)


@pytest.fixture(params=["davit", *sorted(docker_programs())])
def remote(request, secure, keys, work):
    return Remote(request.param, secure, work, "-H", f"tcp://127.0.0.1:{SECURE}",
                  *tls_flags(keys / "client"))


def test_a_client_with_a_certificate_works_as_on_the_socket(remote):
    assert remote("run", "--rm", "-i", BUSYBOX, "cat", stdin="over tls\n") == "over tls"
    done = remote.run("run", "--rm", BUSYBOX, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out, done.err) == (7, "out\n", "err\n")
    many = remote("run", "--rm", BUSYBOX, "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(many) == 3_000_000


def test_half_closed_input_ends_the_container_s_and_not_the_answer(remote):
    text = "x" * 200_000
    assert remote("run", "--rm", "-i", BUSYBOX, "sh", "-c", "cat | wc -c; echo end",
                  stdin=text).split() == ["200000", "end"]


def test_a_stranger_and_one_without_a_certificate_are_refused(secure, keys, work):
    stranger = Remote("davit", secure, work, "-H", f"tcp://127.0.0.1:{SECURE}",
                      *tls_flags(keys / "stranger"))
    done = stranger.run("ps")
    assert done.code == 1 and "unknown ca" in done.err
    for flags in (["--tlsverify", f"--tlscacert={keys}/client/ca.pem"], ["--tls"]):
        nobody = Remote("davit", secure, work, "-H", f"tcp://127.0.0.1:{SECURE}", *flags)
        done = nobody.run("ps")
        assert done.code == 1 and "certificate required" in done.err, str(done)
    docker = Remote("docker20", secure, work, "-H", f"tcp://127.0.0.1:{SECURE}",
                    *tls_flags(keys / "stranger"))
    assert docker.run("ps").code == 1
    plain = Remote("davit", secure, work, "-H", f"tcp://127.0.0.1:{SECURE}").run("ps")
    assert plain.code == 1


def test_a_server_that_is_not_who_it_should_be_is_refused(secure, keys, work):
    def asks(host, folder):
        return Remote("davit", secure, work, "-H", f"tcp://{host}:{SECURE}", *tls_flags(folder)).run("ps")
    wrong = keys / "wrong"
    shutil.copytree(keys / "client", wrong, dirs_exist_ok=True)
    shutil.copy(keys / "elsewhere/ca.pem", wrong / "ca.pem")
    assert "agree on TLS: self-signed certificate in certificate chain" in asks("127.0.0.1", wrong).err
    assert "agree on TLS: IP address mismatch" in asks("127.0.0.2", keys / "client").err
    assert asks("localhost", keys / "client").code == 0


def test_the_environment_says_it_too(secure, keys, work):
    davit = Remote("davit", secure, work)
    assert davit("ps", "-q", DAVIT_HOST=f"tcp://127.0.0.1:{SECURE}", DAVIT_TLS_VERIFY="1",
                 DAVIT_CERT_PATH=str(keys / "client")) == ""


def test_more_than_loopback_needs_tls_and_loopback_is_warned_of(host, work):
    sandbox, _ = host
    place = work / "plain"
    place.mkdir()
    open_to_all = Davitd(sandbox, place, BUILD, "-H", f"tcp://0.0.0.0:{PLAIN}")
    with pytest.raises(RuntimeError, match="whoever reaches it would be root here"):
        open_to_all.start()
    local = Davitd(sandbox, place, BUILD, "-H", f"tcp://127.0.0.1:{PLAIN}")
    local.start()
    try:
        assert "without TLS: every process of this host may use it as root" in local.log.read_text()
        for name in ("davit", *sorted(docker_programs())):
            remote = Remote(name, local, work, "-H", f"tcp://127.0.0.1:{PLAIN}")
            assert remote("version", "--format", "{{.Server.APIVersion}}" if name != "davit"
                          else "{{.Server.ApiVersion}}")
        refused = Remote("davit", local, work, "-H", "tcp://127.0.0.1:1").run("ps")
        assert refused.code == 1 and "connect to tcp://127.0.0.1:1: connection refused" in refused.err
    finally:
        local.close()


def test_systemd_may_bind_the_socket(host, work):
    """-H fd:// takes what LISTEN_FDS names; it is bound before davitd starts and outlives it."""
    sandbox, _ = host
    place = work / "activated"
    place.mkdir()
    own = Davitd(sandbox, place, BUILD)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(own.socket))
    listener.listen()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(place / "notify"))
    words = own.command()
    words[words.index("-H") + 1] = "fd://"
    # A shell keeps its pid through exec: LISTEN_PID is right and the descriptor is 3.
    script = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&0 0</dev/null'
    with open(own.log, "ab") as log:
        own.process = subprocess.Popen(
            sandbox.enter("sh", "-c", script, "sh", *words), stdin=listener, stdout=log, stderr=log,
            env=os.environ | {"NOTIFY_SOCKET": str(place / "notify")}, start_new_session=True)
    try:
        own.wait_until_it_answers()
        notify.settimeout(10)
        assert notify.recv(100) == b"READY=1"
        own.stop()
        assert notify.recv(100) == b"STOPPING=1"
        assert own.socket.exists(), "the socket is systemd's"
    finally:
        own.process.poll() is None and own.stop()
        listener.close()
        notify.close()
        own.close()


def test_without_systemd_fd_is_refused(host, work):
    sandbox, _ = host
    done = subprocess.run(sandbox.enter(BUILD / "bin/davitd", "-H", "fd://", "--data-root",
                                        work / "none", "--exec-root", work / "none-run"),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "systemd handed over no socket" in done.stderr


@pytest.fixture
def fake_ssh(work):
    """An ssh that runs the command here, after writing down how it was called."""
    folder = work / "ssh"
    folder.mkdir(exist_ok=True)
    (folder / "calls").write_text("")
    script = folder / "ssh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n'
                      'while [ "$1" != -- ]; do shift; done; shift 2\nexec sh -c "$*"\n')
    script.chmod(0o755)
    davit = folder / "davit"
    if not davit.exists():
        davit.symlink_to(BUILD / "bin/davit")
    return folder


def test_ssh_carries_the_connection(engine, work, fake_ssh):
    path = f"{fake_ssh}:{os.environ['PATH']}"
    davit = Remote("davit", engine, work, "-H", f"ssh://me@lab:2222{engine.socket}")
    assert davit("run", "--rm", "-i", BUSYBOX, "cat", stdin="over ssh\n", PATH=path) == "over ssh"
    calls = (fake_ssh / "calls").read_text().splitlines()
    assert calls and calls[0] == ("-o ConnectTimeout=30 -T -l me -p 2222 -- lab davit -H "
                                  f"unix://{engine.socket} system dial-stdio")
    bad = Remote("davit", engine, work, "-H", "ssh://-oProxyCommand=x").run("ps", PATH=path)
    assert bad.code == 1 and "names no host" in bad.err


def test_docker_s_ssh_finds_davit_dial_stdio(engine, work, fake_ssh):
    """docker -H ssh:// runs `docker system dial-stdio` there: davit under docker's name."""
    (fake_ssh / "docker").unlink(missing_ok=True)
    wrapper = fake_ssh / "docker"
    wrapper.write_text(f'#!/bin/sh\nDAVIT_HOST=unix://{engine.socket} exec {BUILD}/bin/davit "$@"\n')
    wrapper.chmod(0o755)
    docker = Remote("docker28", engine, work, "-H", "ssh://lab") if "docker28" in docker_programs() \
        else pytest.skip("only newer docker CLIs use ssh this way")
    assert docker("ps", "-q", PATH=f"{fake_ssh}:{os.environ['PATH']}") == ""


def test_contexts(secure, keys, work, tmp_path):
    davit = Remote("davit", secure, work)
    home = {"DAVIT_CONFIG": str(tmp_path / "davit")}
    docker = f"host=tcp://127.0.0.1:{SECURE},ca={keys}/client/ca.pem,cert={keys}/client/cert.pem,key={keys}/client/key.pem"
    assert davit("context", "create", "lab", "--description", "the lab", "--docker", docker, **home) == "lab"
    assert "already exists" in davit.run("context", "create", "lab", "--docker", docker, **home).err
    assert davit("context", "show", **home) == "default"
    assert davit("--context", "lab", "ps", "-q", **home) == ""
    assert davit("ps", "-q", DAVIT_CONTEXT="lab", **home) == ""
    assert davit("context", "use", "lab", **home) == "lab"
    assert davit("ps", "-q", **home) == ""
    assert davit("context", "ls", "--format", "{{.Name}} {{.Current}}", **home).splitlines() == [
        "default false", "lab true"]
    shown = json.loads(davit("context", "inspect", **home))[0]
    assert shown["Endpoints"]["docker"] == {"Host": f"tcp://127.0.0.1:{SECURE}", "SkipTLSVerify": False}
    key = tmp_path / "davit/contexts/lab/key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700

    exported = tmp_path / "lab.davitcontext"
    davit("context", "export", "lab", exported, **home)
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert davit("context", "import", "copy", exported, **home) == "copy"
    assert davit("--context", "copy", "ps", "-q", **home) == ""
    davit("context", "update", "copy", "--description", "a copy", **home)
    assert davit("context", "ls", "--format", "{{.Description}}", **home).splitlines()[1] == "a copy"
    assert "is in use" in davit.run("context", "rm", "lab", **home).err
    davit("context", "rm", "-f", "lab", "copy", **home)
    assert davit("context", "show", **home) == "default"
    assert "no such context" in davit.run("--context", "lab", "ps", **home).err
    assert "invalid" in davit.run("context", "create", "../x", "--docker", docker, **home).err
    assert pathlib.Path(tmp_path / "davit/contexts").is_dir()
