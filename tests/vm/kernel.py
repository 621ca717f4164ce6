# SPDX-License-Identifier: Apache-2.0
"""Debian's cloud kernel and an initramfs that starts it on the host's files."""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

META = "linux-image-cloud-amd64"  # depends on the newest of its kind
# What the first moments need; everything else is found by modprobe on the real root.
FIRST = ("virtio_pci", "virtio_blk", "virtiofs", "overlay")


def provide():
    """(image, directory of modules); fetched and unpacked when the cache has none."""
    cache = pathlib.Path(os.environ.get("DAVIT_CACHE", "/var/cache/davit-test")) / "vm"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "kernel").exists():
            _fetch(cache)
    image = next((cache / "kernel/boot").glob("vmlinuz-*"))
    return image, cache / "kernel/lib/modules"


def _fetch(cache):
    """Unpacks the package without installing it: no boot loader of the host hears of it."""
    shown = subprocess.run(["apt-cache", "depends", "--important", META], check=True, capture_output=True, text=True)
    package = re.search(r"Depends: (linux-image-\S+)", shown.stdout)[1]
    with tempfile.TemporaryDirectory(dir=cache) as place:
        subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package], cwd=place, check=True)
        unpacked = pathlib.Path(place) / "unpacked"
        subprocess.run(["dpkg-deb", "-x", next(pathlib.Path(place).glob("*.deb")), unpacked], check=True)
        version = next((unpacked / "lib/modules").iterdir()).name
        subprocess.run(["/sbin/depmod", "-b", unpacked, version], check=True)
        unpacked.rename(cache / "kernel")


def _with_dependencies(modules, names):
    """Files of these modules and of those that they need, relative to the version's directory."""
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    wanted = []
    for name in names:
        path = next(path for path in needs if pathlib.Path(path).stem.replace("-", "_") == name)
        wanted += [path, *needs[path]]
    return wanted


def make_initramfs(work, modules, results, init):
    """A cpio archive of busybox, the first modules and `init`, which it starts."""
    root = work / "initramfs"
    for name in ("bin", "sbin", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    shutil.copy(init, root / "init")
    (root / "modules").write_text(str(modules))
    (root / "results").write_text(str(results))
    version = next(modules.iterdir())
    lists = [path.name for path in version.glob("modules.*")]
    for path in _with_dependencies(version, FIRST) + lists:
        target = root / "lib/modules" / version.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(version / path, target)
    archive = work / "initramfs.cpio"
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(archive, "wb") as file:
        subprocess.run(["cpio", "--quiet", "--null", "-H", "newc", "-o"], input=names.encode(), stdout=file,
                       cwd=root, check=True)
    return archive
