# SPDX-License-Identifier: Apache-2.0
"""Recipes of the two real images, nginx and PostgreSQL, from Debian's packages by mmdebstrap and buildah.

Needs root, and the package registry that apt is configured for; nothing else of the internet.
"""
import json
import os
import pathlib
import shutil
import subprocess

import oci

# What a container never reads and what doubles the size: documentation, and LLVM for PostgreSQL's JIT.
LEFT_OUT = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*",
            "/usr/lib/x86_64-linux-gnu/libLLVM*", "/usr/lib/postgresql/15/lib/bitcode/*",
            "/usr/lib/postgresql/15/lib/llvmjit*"]
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOT_SHIPPED = ["./dev", "./proc", "./sys", "./var/cache/apt", "./var/lib/apt", "./var/log", "./tmp"]

PAGE = "<!doctype html><title>Davit</title>\n<h1>Served by nginx in a Davit container</h1>\n"
NGINX_CONF = """user www-data;
worker_processes 1;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  access_log /dev/stdout;
  error_log /dev/stderr;
  server { listen 80 default_server; root /srv/www; }
}
"""
ENTRYPOINT = """#!/bin/sh
# Makes the database cluster when there is none yet, then becomes the server.
set -e
bin=/usr/lib/postgresql/15/bin
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  $bin/initdb -D "$PGDATA" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8
  echo "host all all all trust" >>"$PGDATA/pg_hba.conf"
fi
exec $bin/postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
"""


class Buildah:
    """buildah with a store of its own, so that nobody's images are touched."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.base = ["buildah", "--root", str(self.work / "store"), "--runroot",
                     str(self.work / "run"), "--storage-driver", "overlay"]

    def __call__(self, *words):
        return subprocess.run([*self.base, *words], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()

    def step(self, parent, name, change):
        """One more layer: `change` gets the mounted root; the image `name` is what comes of it."""
        container = self("from", "--name", f"step-{name}", parent)
        change(pathlib.Path(self("mount", container)))
        self("umount", container)
        self("commit", "-q", "--rm", "--format", "oci", container, name)
        return name


def nginx(layout, work):
    """nginx: five layers; the fourth deletes and replaces; the last is zstd and links to a lower one."""
    base, full = bootstrap(work, "nginx-light"), pathlib.Path(work) / "nginx-light"
    buildah = Buildah(work)
    image = buildah.step("scratch", "base", lambda root: extract(base, root))
    image = buildah.step(image, "nginx-packages", lambda root: bring_up_to(full, root))
    image = buildah.step(image, "nginx-draft", _nginx_draft)
    image = buildah.step(image, "nginx-final", _nginx_final)
    container = buildah("from", "--name", "nginx", image)
    buildah("config", "--env", PATH, "--port", "80", "--stop-signal", "SIGQUIT", "--cmd",
            '["nginx", "-g", "daemon off;"]', container)
    last = oci.file("srv/www/last.txt", "from the last layer\n")
    finish(buildah, container, layout, {
        # A hard link to a file that only a lower layer has.
        "latest": ([oci.hardlink("srv/www/page.html", "srv/www/index.html"), last], "zstd"),
        "plain": ([last], "gzip")})


def postgresql(layout, work):
    """postgresql: Debian's server, run by its own user, which makes its cluster at the first start."""
    base, full = bootstrap(work, "postgresql-15"), pathlib.Path(work) / "postgresql-15"
    buildah = Buildah(work)
    image = buildah.step("scratch", "base", lambda root: extract(base, root))
    image = buildah.step(image, "postgresql-packages", lambda root: bring_up_to(full, root))
    image = buildah.step(image, "postgresql-final", _postgresql_final)
    container = buildah("from", "--name", "postgresql", image)
    buildah("config", "--env", PATH + ":/usr/lib/postgresql/15/bin", "--env",
            "PGDATA=/var/lib/postgresql/data", "--env", "PGHOST=/tmp", "--user", "postgres",
            "--port", "5432", "--stop-signal", "SIGINT", "--volume", "/var/lib/postgresql/data",
            "--workingdir", "/var/lib/postgresql", "--entrypoint",
            '["/usr/local/bin/entrypoint"]', container)
    last = [oci.file("usr/share/davit-image", "postgresql\n")]
    finish(buildah, container, layout, {"latest": (last, "zstd"), "plain": (last, "gzip")})


def finish(buildah, container, layout, last_layers):
    """Commits to the layout; adds a last layer for each {tag: (entries, compression)}.

    The tags `plain` have nothing that Debian's dockerd cannot unpack: no zstd, no link to a lower layer.
    """
    name = container
    buildah("commit", "-q", "--rm", "--format", "oci", container, name)
    draft = pathlib.Path(buildah.work) / "draft"
    buildah("push", "-q", name, f"oci:{draft}:draft")
    source = oci.Layout(draft)
    manifest = source.read_json(source.tags()["draft"]["digest"])
    config = source.read_json(manifest["config"]["digest"])
    for blob in manifest["layers"]:
        shutil.copy(source.blob_path(blob["digest"]), layout.blob_path(blob["digest"]))
    tags = {}
    for tag, (entries, compression) in last_layers.items():
        last = oci.layer(oci.tar(entries), compression)
        described = json.loads(json.dumps(config))
        described["rootfs"]["diff_ids"].append(last.diff_id)
        described["history"].append({"created": described["created"], "created_by": "last layer"})
        tags[tag] = layout.manifest(layout.put(described, oci.CONFIG),
                                    manifest["layers"] + [layout.put(last.data, last.media_type)])
    layout.tag(tags)


def bootstrap(work, package):
    """Debian's essential packages as an archive (returned), and with `package` as a directory.

    The archive is kept beside `work`: both images begin with the same layer.
    """
    work = pathlib.Path(work)
    base = work.parent / "base.tar"
    if base.exists():
        hook = []
    else:
        hook = ["--essential-hook=tar -C \"$1\" " +
                " ".join(f"--exclude={path}" for path in NOT_SHIPPED) + f" -cf '{base}.part' ."]
    full = work / f"{package}.tar"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(oci.EPOCH), "LC_ALL": "C.UTF-8"}
    subprocess.run(["mmdebstrap", "--quiet", "--variant=essential", f"--include={package}",
                    *[f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT],
                    *apt_options(work), *hook, "bookworm", str(full), str(sources(work))],
                   check=True, env=environment)
    if hook:
        os.rename(f"{base}.part", base)
    tree = work / package
    tree.mkdir()
    extract(full, tree)
    full.unlink()
    return base


def sources(work):
    """A sources.list with what apt itself uses for Debian 12."""
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)",
         "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=True).stdout
    wanted = sorted({line for line in lines.splitlines() if line.split()[1].startswith("bookworm")})
    path = pathlib.Path(work) / "sources.list"
    path.write_text("".join(f"deb {line}\n" for line in wanted) or
                    "deb http://deb.debian.org/debian bookworm main\n")
    return path


def apt_options(work):
    """The host's settings for reaching its package registry (proxies, dates), as mmdebstrap's."""
    dump = subprocess.run(["apt-config", "dump", "Acquire"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    path = pathlib.Path(work) / "apt.conf"
    path.write_text("\n".join(line for line in dump.splitlines()
                              if line.startswith(("Acquire::http", "Acquire::https",
                                                  "Acquire::Check-"))) + "\n")
    return [f"--aptopt={path}"]


def extract(archive, root):
    excluded = [f"--exclude={path}/*" for path in ("./dev", "./proc", "./sys", "./tmp")]
    subprocess.run(["tar", "-C", str(root), "--numeric-owner", "--xattrs", "--xattrs-include=*",
                    *excluded, "-xpf", str(archive)], check=True)
    for name, mode in (("dev", 0o755), ("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777),
                       ("var/log", 0o755)):
        (root / name).mkdir(parents=True, exist_ok=True)
        os.chmod(root / name, mode)


def bring_up_to(wanted, root):
    """Copies to `root` what differs in `wanted`: so a layer holds only what it adds."""
    changed = []
    for folder, directories, files in os.walk(wanted):
        for name in directories + files:
            path = pathlib.Path(folder, name)
            inside = path.relative_to(wanted)
            if not _same(path, root / inside):
                changed.append(str(inside))
    listing = "\0".join(changed).encode()
    pack = subprocess.Popen(["tar", "-C", str(wanted), "--numeric-owner", "--xattrs",
                             "--xattrs-include=*", "--no-recursion", "--null", "-T", "-", "-c"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-C", str(root), "--numeric-owner", "--xattrs",
                               "--xattrs-include=*", "-xp"], stdin=pack.stdout)
    pack.stdout.close()
    pack.stdin.write(listing)
    pack.stdin.close()
    if pack.wait() or unpack.wait():
        raise SystemExit(f"copy of {len(changed)} paths to {root} ended with an error")


def _same(one, other):
    try:
        a, b = os.lstat(one), os.lstat(other)
    except FileNotFoundError:
        return False
    if (a.st_mode, a.st_uid, a.st_gid) != (b.st_mode, b.st_uid, b.st_gid):
        return False
    if one.is_symlink():
        return os.readlink(one) == os.readlink(other)
    return one.is_dir() or (a.st_size == b.st_size and a.st_mtime == b.st_mtime)


def _nginx_draft(root):
    (root / "etc/nginx/nginx.conf").write_text(NGINX_CONF)
    www = root / "srv/www"
    (www / "drafts").mkdir(parents=True)
    (www / "index.html").write_text("a draft that a later layer replaces\n")
    (www / "drafts/one.html").write_text("only in the layer below\n")
    (www / "forgotten.html").write_text("deleted by the next layer\n")


def _nginx_final(root):
    www = root / "srv/www"
    (www / "index.html").write_text(PAGE)
    (www / "forgotten.html").unlink()                      # a whiteout
    shutil.rmtree(www / "drafts")                          # replaced: an opaque directory
    (www / "drafts").mkdir()
    (www / "drafts/two.html").write_text("the directory was replaced\n")
    (www / "first.txt").write_text("one file, two names\n")
    os.link(www / "first.txt", www / "second.txt")         # a hard link within the layer
    capable = root / "usr/local/bin/busybox-rawnet"
    shutil.copy("/bin/busybox", capable)
    subprocess.run(["setcap", "cap_net_raw+ep", str(capable)], check=True)


def _postgresql_final(root):
    entrypoint = root / "usr/local/bin/entrypoint"
    entrypoint.write_text(ENTRYPOINT)
    entrypoint.chmod(0o755)
    data = root / "var/lib/postgresql/data"
    data.mkdir()
    owner = os.stat(root / "var/lib/postgresql")
    os.chown(data, owner.st_uid, owner.st_gid)
    data.chmod(0o700)
