# SPDX-License-Identifier: Apache-2.0
"""The three Debian packages, installed into a Debian of their own, run."""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, CACHE, COMMON_IMAGES

pytestmark = [pytest.mark.davit_only, pytest.mark.own_engine]
BUSYBOX = COMMON_IMAGES[0]
FOR_A_DRIVER = ["g++", "make", "pkg-config"]


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          timeout=options.pop("timeout", 600), **options)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def names_of(package):
    """Package names in a Depends line, without versions and without ours."""
    line = run("dpkg-deb", "--field", package, "Depends")
    names = [re.split(r"[ (]", part.strip())[0] for part in line.split(",") if part.strip()]
    return [name for name in names if not name.startswith("davit")]


@pytest.fixture(scope="module")
def packages(work):
    folder = work / "packages"
    run("cpack", "-G", "DEB", "-B", folder, cwd=BUILD)
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="module")
def root(packages, work):
    """A Debian with what the packages depend on (kept in the cache) and the packages, installed by dpkg."""
    needs = sorted({name for path in packages.values() for name in names_of(path)} | set(FOR_A_DRIVER))
    key = hashlib.sha256(" ".join(needs).encode()).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / f"packages-{key}.tar"
    with open(CACHE / "packages.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = kept.with_suffix(".new")
            run("mmdebstrap", "--quiet", "--variant=minbase", "--format=tar",
                f"--include={','.join(needs)}", "bookworm", made, timeout=900)
            made.rename(kept)
    place = work / "installed"
    place.mkdir()
    run("tar", "-xf", kept, "-C", place)
    for path in packages.values():
        shutil.copy(path, place / "tmp")
    run("chroot", place, "sh", "-c", "dpkg -i /tmp/davit*.deb")
    return place


def inside(sandbox, root, script):
    """The command line that runs `script` in the Debian, with the kernel's file systems there."""
    mounts = (f"mount --bind {root} {root}; cd {root}; mount -t proc proc proc; mount --rbind /sys sys; "
              "mount --rbind /dev dev; mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs var/lib; ")
    return sandbox.enter("unshare", "--mount", "--propagation", "private", "sh", "-ec",
                         mounts + 'exec chroot . /bin/sh -ec "$1"', "sh", script)


def test_what_is_installed_runs_containers(host, root):
    sandbox, _ = host
    script = f"""
      davitd & engine=$!
      for i in $(seq 100); do davit version >/dev/null 2>&1 && break; sleep 0.1; done
      davit pull -q {BUSYBOX}
      davit run --rm {BUSYBOX} echo from the package
      stat -c '%U:%G %a' /run/davit/davit.sock
      ln -s davit/davit.sock /run/docker.sock
      DOCKER_HOST=unix:///wrong docker run --rm {BUSYBOX} echo by the name of docker
      kill $engine; wait $engine
    """
    done = subprocess.run(inside(sandbox, root, script), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("20")][-3:] == [
        "from the package", "root:davit 660", "by the name of docker"], done.stdout


def test_units_manual_and_completion_are_where_they_belong(root):
    for path in ("usr/lib/systemd/system/davit.service", "usr/lib/systemd/system/davit.socket",
                 "usr/share/man/man1/davit-run.1", "usr/share/bash-completion/completions/davit",
                 "usr/share/zsh/site-functions/_davit", "usr/share/fish/vendor_completions.d/davit.fish",
                 "usr/lib/tmpfiles.d/davit-docker.conf", "etc/davit"):
        assert (root / path).exists(), path
    assert os.readlink(root / "usr/bin/docker") == "davit"
    unit = (root / "usr/lib/systemd/system/davit.service").read_text()
    for line in ("Delegate=yes", "KillMode=process", "ExecStart=davitd -H fd://", "StateDirectoryMode=0700"):
        assert line in unit.splitlines(), line


def test_a_driver_builds_against_the_installed_sdk(root):
    """As a vendor would: the example's folder alone, find_package(davit), the file is a driver."""
    example = root / "tmp/driver"
    shutil.copytree(BUILD.parent.parent / "examples/storage-plain-dir", example)
    page = example / "CMakeLists.txt"
    text = page.read_text()
    if "find_package(davit" not in text:
        page.write_text("cmake_minimum_required(VERSION 3.25)\nproject(driver CXX C)\n"
                        "find_package(davit REQUIRED)\n" + text)
    run("chroot", root, "sh", "-ec", "cmake -S /tmp/driver -B /tmp/built && cmake --build /tmp/built")
    built = list((root / "tmp/built").rglob("*.so"))
    assert built and "davit_module_v0" in run("nm", "-D", built[0])


def test_removing_takes_docker_s_name_away(root):
    run("chroot", root, "dpkg", "-r", "davit-docker", "davit-dev", "davit")
    assert not (root / "usr/bin/docker").is_symlink() and not (root / "usr/bin/davitd").exists()
    assert not list(pathlib.Path(root / "usr/lib").glob("davit/drivers/*"))
