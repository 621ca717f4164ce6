# SPDX-License-Identifier: Apache-2.0
"""cp: files into and out of containers, running or not; the same paths mean the same as with dockerd."""
import base64
import io
import json
import os
import pathlib
import subprocess
import tarfile
import threading
import time

import pytest

from conftest import REGISTRY, make_cli

TOOLBOX, BUSYBOX, APP = (f"{REGISTRY}/{name}" for name in ("toolbox", "busybox", "toolbox:app"))

SETUP = """
mkdir -p /w/dir/sub /w/empty /w/target; echo one > /w/dir/one; echo two > /w/dir/sub/two
ln /w/dir/one /w/dir/again; ln -s /w/dir /w/to-dir; ln -s dir/one /w/to-file; ln -s /nowhere /w/dangling
chmod 4750 /w/dir/one; mkfifo /w/dir/fifo; touch -d '2001-02-03 04:05:06' /w/dir/sub/two
"""


@pytest.fixture(params=["running", "stopped"])
def state(request):
    return request.param


@pytest.fixture
def box(cli, name, state):
    """A container with something in /w, running or stopped."""
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sh", "-c", SETUP + "touch /ready; exec sleep 300")
    while cli.run("exec", made, "test", "-e", "/ready").code:
        time.sleep(0.05)
    if state == "stopped":
        cli("kill", made)
        cli("wait", made)
    return made


def tree(path):
    """{relative path: (kind and mode, content or target)}"""
    found = {}
    for one in sorted(path.rglob("*")):
        status = one.lstat()
        content = os.readlink(one) if one.is_symlink() else \
            one.read_text() if one.is_file() else None
        found[str(one.relative_to(path))] = (oct(status.st_mode), content)
    return found


def test_a_file_out_and_in(cli, box, tmp_path, state):
    cli("cp", f"{box}:/w/dir/one", tmp_path / "new")
    assert (tmp_path / "new").read_text() == "one\n"
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o4750
    (tmp_path / "new").write_text("from the host\n")
    cli("cp", tmp_path / "new", f"{box}:/w/dir")
    cli("cp", f"{box}:/w/dir/new", tmp_path)
    assert (tmp_path / "new").read_text() == "from the host\n"
    if state == "running":
        assert cli("exec", box, "cat", "/w/dir/new") == "from the host"


def test_a_directory_out(cli, box, tmp_path):
    cli("cp", f"{box}:/w/dir", tmp_path / "new")
    found = tree(tmp_path / "new")
    assert found["sub/two"] == (oct(0o100644), "two\n") and found["one"][1] == "one\n"
    assert (tmp_path / "new/one").stat().st_ino == (tmp_path / "new/again").stat().st_ino
    assert (tmp_path / "new/fifo").is_fifo()
    assert (tmp_path / "new/sub/two").stat().st_mtime == pytest.approx(981173106, abs=86400)


def test_what_cannot_be_is_refused(cli, box, tmp_path):
    said = cli.fails("cp", f"{box}:/no/such", tmp_path, code=1).lower()
    assert "could not find the file" in said or "no such container:path" in said
    cli.fails("cp", f"{box}:/w/dir/one/", tmp_path, code=1)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    cli.fails("cp", f"{box}:/w/dir", tmp_path / "file", code=1)
    cli.fails("cp", tmp_path / "folder", f"{box}:/w/dir/one", code=1)
    cli.fails("cp", tmp_path / "file", f"{box}:/w/none/", code=1)
    cli.fails("cp", tmp_path / "file", f"{box}:/w/none/deeper", code=1)
    cli.fails("cp", tmp_path / "none", f"{box}:/w", code=1)
    assert "between containers" in cli.fails("cp", f"{box}:/w/dir", f"{box}:/w/x", code=1).lower()
    cli.fails("cp", tmp_path / "file", "nobody:/", code=1)
    (tmp_path / "one").mkdir()  # a directory where the container has a file
    assert "cannot overwrite" in cli.fails("cp", tmp_path / "one", f"{box}:/w/dir", code=1)


def test_a_stream_out_and_in(cli, box, tmp_path):
    process = cli.start("cp", f"{box}:/w/dir", "-")
    out, _ = process.communicate(timeout=30)
    archive = tarfile.open(fileobj=io.BytesIO(out))
    assert {"dir", "dir/one", "dir/sub", "dir/sub/two"} <= {one.name for one in archive}
    process = cli.start("cp", "-", f"{box}:/w/empty")
    _, err = process.communicate(out, timeout=30)
    assert process.returncode == 0, err
    cli("cp", f"{box}:/w/empty/dir/sub/two", tmp_path)
    assert (tmp_path / "two").read_text() == "two\n"


def test_volumes_and_binds_are_in_the_picture(cli, name, tmp_path, state):
    made, volume = name(), name("v")
    (tmp_path / "bound").mkdir()
    (tmp_path / "bound/file").write_text("bound\n")
    cli("create", "--name", made, "-v", f"{volume}:/v", "-v", f"{tmp_path}/bound:/b:ro", BUSYBOX,
        "sleep", "300")
    if state == "running":
        cli("start", made)
    cli("cp", tmp_path / "bound/file", f"{made}:/v/file")
    cli("cp", f"{made}:/v/file", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "bound\n"
    cli("cp", f"{made}:/b", tmp_path / "b")
    assert tree(tmp_path / "b") == {"file": (oct(0o100644), "bound\n")}
    assert "read-only" in cli.fails("cp", tmp_path / "back", f"{made}:/b/", code=1)
    assert cli("run", "--rm", "-v", f"{volume}:/v", BUSYBOX, "cat", "/v/file") == "bound"


def test_a_read_only_root_is_not_written(cli, name, tmp_path):
    made = name()
    cli("create", "--name", made, "--read-only", BUSYBOX, "true")
    (tmp_path / "file").touch()
    assert "read-only" in cli.fails("cp", tmp_path / "file", f"{made}:/tmp/", code=1)


# --- the same as dockerd

OUT = ["/w/dir", "/w/dir/", "/w/dir/.", "/w/to-dir", "/w/to-dir/", "/w/to-dir/.", "/w/to-file",
       "/w/dangling", "/w/dir/one", "w/dir/sub", "/w/dir/../empty", "/w/empty/.", "/"]


@pytest.mark.parametrize("path", OUT)
def test_archives_are_those_of_dockerd(engine, reference, name, path):
    seen = []
    for one in (engine, reference):
        made = prepared(one, name())
        status, headers, body = fetch(one, "GET", made, path)
        stat = json.loads(base64.b64decode(headers["x-docker-container-path-stat"]))
        names = {member.name.rstrip("/") + ("/" if member.isdir() else "")
                 for member in tarfile.open(fileobj=io.BytesIO(body))}
        if path == "/":  # busybox's own; what engines put there differs
            names = {name for name in names if name.lstrip("/").startswith("w/")}
            names = {"/" + name.lstrip("/") for name in names}
            stat.pop("size")
        for changing in ("mtime", "size"):
            stat.pop(changing, None) if stat["mode"] & 1 << 31 else None
        stat.pop("mtime", None)
        head_status, head, _ = fetch(one, "HEAD", made, path)
        assert (head_status, "x-docker-container-path-stat" in head) == (200, True)
        seen.append((status, stat, names))
    assert seen[0] == seen[1]


IN = [("file", "/w/target"), ("file", "/w/target/"), ("file", "/w/new"), ("file", "/w/to-dir"),
      ("file", "/w/to-file"), ("file", "/w/to-dir/new"), ("file", "/w/dir/one"),
      ("folder", "/w/target"), ("folder", "/w/target/"), ("folder", "/w/new"),
      ("folder", "/w/new/"), ("folder/", "/w/target"), ("folder/.", "/w/target"),
      ("folder/.", "/w/new"), ("folder", "/w/to-dir"), ("folder", "/w/dir/one"),
      ("file", "/w/dir/one/"), ("file", "/w/none/"), ("file", "/w/none/deeper"),
      ("link", "/w/target"), ("link", "/w/new"), ("file", "/w/dangling")]


@pytest.mark.parametrize("program", ["davit", "docker28"])
@pytest.mark.parametrize("source, target", IN)
def test_what_goes_in_lies_where_dockerd_puts_it(engine, reference, work, name, tmp_path, source,
                                                 target, program):
    (tmp_path / "folder/sub").mkdir(parents=True)
    (tmp_path / "folder/sub/inner").write_text("inner\n")
    (tmp_path / "file").write_text("file\n")
    os.chown(tmp_path / "file", 1234, 800)
    (tmp_path / "link").symlink_to("folder/sub/inner")
    seen = []
    for one, client in ((engine, program), (reference, "docker20")):
        cli = make_cli(client, one, work)
        made = prepared(one, name())
        done = cli.run("cp", f"{tmp_path}/{source}", f"{made}:{target}")
        listed = cli("exec", made, "find", "/w", "-exec", "stat", "-c", "%n %F %a %u %g", "{}", ";")
        seen.append((done.code, sorted(listed.split("\n"))))
    assert seen[0] == seen[1]


def prepared(engine, name):
    """A running container with SETUP in it; its name."""
    body = {"Image": BUSYBOX, "Cmd": ["sh", "-c", SETUP + "touch /ready; exec sleep 300"]}
    assert engine.request("POST", f"/v1.41/containers/create?name={name}", body)[0] == 201
    assert engine.request("POST", f"/v1.41/containers/{name}/start")[0] == 204
    deadline = time.monotonic() + 20
    while fetch(engine, "HEAD", name, "/ready")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return name


def fetch(engine, method, container, path, query="", body=None, headers=None):
    """(status, headers, body) of the archive endpoint."""
    from harness.engine import _UnixConnection
    connection = _UnixConnection(engine.socket, 60)
    try:
        connection.request(method, f"/v1.41/containers/{container}/archive?path={path}{query}", body,
                           headers or {})
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, \
            answer.read()
    finally:
        connection.close()


def test_owner_and_kinds_as_the_api_has_it(engine, name):
    made = name()
    engine.request("POST", f"/v1.41/containers/create?name={made}",
                   {"Image": APP, "Cmd": ["sleep", "60"], "Entrypoint": []})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for word, kind in (("new", tarfile.REGTYPE), ("srv", tarfile.REGTYPE)):
            archive.addfile(tarfile.TarInfo(word) if kind == tarfile.REGTYPE else None)
    body = out.getvalue()
    status, _, text = fetch(engine, "PUT", made, "/", "&noOverwriteDirNonDir=1&copyUIDGID=1", body)
    assert status in (400, 500) and b'cannot overwrite directory' in text
    status, _, text = fetch(engine, "PUT", made, "/", "&copyUIDGID=1", body)
    assert status == 200, text
    status, headers, body = fetch(engine, "GET", made, "/new")
    member = tarfile.open(fileobj=io.BytesIO(body)).getmembers()[0]
    assert (member.uid, member.gid) == (1234, 1234)
    assert fetch(engine, "PUT", made, "/new", "", out.getvalue())[0] == 400
    assert fetch(engine, "PUT", made, "/none", "", out.getvalue())[0] == 404
    assert fetch(engine, "PUT", "nobody", "/", "", out.getvalue())[0] == 404
    assert fetch(engine, "GET", made, "")[0] == 400


# --- safety

def test_R41_moving_links_lead_nowhere(davit, engine, name, tmp_path):
    """CVE-2018-15664: a link that comes and goes under cp. Nothing of the host is read or written."""
    made = name()
    canary = pathlib.Path(engine.work) / name("canary")
    canary.mkdir()
    (canary / "file").write_text("host only\n")
    before = tree(canary)
    flip = (f"mkdir -p /r/dir{canary} /r/dir; echo inside > /r/dir/file; "
            f"mkdir -p {canary}; echo inside > {canary}/file; ln -s {canary} /r/link; "
            "while :; do mv -T /r/dir /r/x; mv -T /r/link /r/dir; mv -T /r/dir /r/link; "
            "mv -T /r/x /r/dir; done")
    davit("run", "-d", "--name", made, BUSYBOX, "sh", "-c", flip.replace("mv -T", "mv"))
    (tmp_path / "payload").write_text("from outside\n")
    deadline = time.monotonic() + 15
    reads = writes = 0
    while time.monotonic() < deadline:
        status, _, body = fetch(engine, "GET", made, "/r/dir/file")
        assert b"host only" not in body
        reads += status == 200
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            member = tarfile.TarInfo("file")
            member.size = 5
            archive.addfile(member, io.BytesIO(b"evil\n"))
        writes += fetch(engine, "PUT", made, "/r/dir", "", out.getvalue())[0] == 200
    assert tree(canary) == before
    assert reads + writes > 0
    assert engine.process.poll() is None


def test_R37_hostile_archives_stay_inside(engine, name):
    made = name()
    engine.request("POST", f"/v1.41/containers/create?name={made}", {"Image": BUSYBOX})
    canary = pathlib.Path(engine.work) / name("canary")
    canary.mkdir()
    def put(*members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for word, kind, link in members:
                member = tarfile.TarInfo(word)
                member.type, member.linkname = kind, link
                archive.addfile(member)
        return fetch(engine, "PUT", made, "/", "", out.getvalue())[0]
    file, symlink, hardlink = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    assert put(("../../x", file, "")) == 400
    assert put(("l", symlink, str(canary)), ("l/x", file, "")) in (200, 400, 404)
    assert put(("h", hardlink, "../../../etc/passwd")) == 400
    assert put(("up", symlink, "../../../../.."), ("up/x", file, "")) in (200, 400, 404)
    assert list(canary.iterdir()) == [] and not pathlib.Path("/x").exists()


def test_a_client_that_breaks_off_leaves_nothing(engine, name):
    import socket
    made = name()
    engine.request("POST", f"/v1.41/containers/create?name={made}", {"Image": BUSYBOX})
    for _ in range(5):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(engine.socket))
        connection.sendall(f"PUT /v1.41/containers/{made}/archive?path=/ HTTP/1.1\r\nHost: x\r\n"
                           "Content-Type: application/x-tar\r\nContent-Length: 100000\r\n\r\n"
                           .encode() + b"\0" * 300)
        time.sleep(0.05)
        connection.close()
    status, _, _ = fetch(engine, "HEAD", made, "/etc")
    assert status == 200


def test_cp_and_start_at_once(engine, name):
    """A stopped container's layer is mounted by one of them at a time."""
    made = name()
    engine.request("POST", f"/v1.41/containers/create?name={made}",
                   {"Image": BUSYBOX, "Cmd": ["true"]})
    answers = []
    def copy():
        for _ in range(10):
            answers.append(fetch(engine, "GET", made, "/etc/passwd")[0])
    threads = [threading.Thread(target=copy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert engine.request("POST", f"/v1.41/containers/{made}/start")[0] in (204, 304)
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 409}
    assert answers.count(200) > 20
