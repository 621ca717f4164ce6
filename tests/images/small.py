# SPDX-License-Identifier: Apache-2.0
"""Recipes of the small images: busybox and what tests grow from it, and the many layers of the bench."""
import pathlib
import random
import subprocess

import oci

BUSYBOX = pathlib.Path("/bin/busybox")  # Debian's busybox-static
PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1234:1234:an ordinary user:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = """root:x:0:
daemon:x:1:
tty:x:5:
web:x:800:app
app:x:1234:
nogroup:x:65534:
"""
# struct vfs_cap_data, revision 2: CAP_NET_RAW permitted, with the effective bit.
CAP_NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def busybox_layer(compression="gzip"):
    """A root of busybox under the hard links of all its applets."""
    applets = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()
    entries = [oci.directory(name) for name in ("bin", "etc", "home", "usr", "usr/bin", "var")]
    entries += [oci.directory("root", 0o700), oci.directory("tmp", 0o1777),
                oci.directory("home/app", 0o750, 1234, 1234)]
    entries.append(oci.file("bin/busybox", BUSYBOX.read_bytes(), 0o755))
    entries += [oci.hardlink(f"bin/{name}", "bin/busybox", 0o755) for name in sorted(set(applets))
                if name != "busybox"]
    entries += [oci.file("etc/passwd", PASSWD), oci.file("etc/group", GROUP),
                oci.file("etc/shadow", "root:*:1::::::\n", 0o640)]
    return oci.layer(oci.tar(entries), compression)


def busybox(layout):
    """busybox: one layer; also as an index of two platforms, and zstd-compressed."""
    config = {"Env": [PATH], "Cmd": ["sh"]}
    plain = layout.image([busybox_layer()], config)
    foreign = layout.image([busybox_layer()], config, architecture="arm64")
    layout.tag({
        "latest": plain,
        "zstd": layout.image([busybox_layer("zstd")], config),
        "multi": layout.index([foreign, plain]),
        "foreign": layout.index([foreign]),
    })


def toolbox(layout):
    """toolbox: busybox and a second layer with what tests run inside containers."""
    more = oci.layer(oci.tar([
        # A file capability: whoever runs it holds CAP_NET_RAW, if the bounding set allows it.
        oci.file("bin/busybox-rawnet", BUSYBOX.read_bytes(), 0o755,
                 xattrs={"security.capability": CAP_NET_RAW}),
        oci.file("bin/count", COUNT, 0o755),
        oci.file("bin/probe", PROBE, 0o755),
        oci.file("srv/index.html", "served by toolbox\n"),
    ]))
    base = busybox_layer()
    app = {"Env": [PATH, "COLOUR=blue", "EMPTY="], "User": "app", "WorkingDir": "/home/app",
           "Entrypoint": ["/bin/echo", "entry"], "Cmd": ["default"],
           "ExposedPorts": {"8080/tcp": {}}, "Labels": {"davit.test": "yes"},
           "StopSignal": "SIGUSR1"}
    layout.tag({"latest": layout.image([base, more], {"Env": [PATH], "Cmd": ["sh"]}),
                "app": layout.image([base, more], app)})


def users(layout):
    """users: a passwd that calls uid 0 "1000" (R-01); passwd as a fifo (R-62)."""
    base = busybox_layer()
    named = oci.layer(oci.tar([
        oci.file("etc/passwd", PASSWD + "1000:x:0:0:root in disguise:/root:/bin/sh\n"),
        oci.file("etc/group", GROUP + "1000:x:0:\n")]))
    unreadable = oci.layer(oci.tar([
        oci.whiteout("etc/passwd")])), oci.layer(oci.tar([_fifo("etc/passwd")]))
    layout.tag({"latest": layout.image([base, named], {"Env": [PATH], "Cmd": ["sh"]}),
                "fifo": layout.image([base, *unreadable], {"Env": [PATH], "Cmd": ["sh"]})})


def layers(layout):
    """layers: every way in which a layer changes the one below; without what dockerd 20.10 cannot."""
    steps = [
        [oci.directory("data"), oci.file("data/kept", "kept\n"), oci.file("data/gone", "gone\n"),
         oci.file("data/replaced", "old\n"), oci.directory("data/emptied"),
         oci.file("data/emptied/below", "below\n"), oci.directory("data/becomes-file"),
         oci.file("data/becomes-file/inner", "inner\n"),
         oci.file("data/becomes-directory", "file\n"), oci.symlink("data/absolute", "/data/kept")],
        [oci.whiteout("data/gone"), oci.file("data/replaced", "new\n"), oci.opaque("data/emptied"),
         oci.file("data/emptied/above", "above\n"), oci.file("data/becomes-file", "now a file\n"),
         oci.directory("data/becomes-directory"),
         oci.file("data/becomes-directory/inner", "inner\n")],
        [oci.file("data/first", "linked\n"), oci.hardlink("data/second", "data/first")],
        # A file whose directory this archive does not carry: its owner and mode lie below.
        [oci.file("home/app/orphan", "orphan\n", 0o600, 1234, 1234)],
    ]
    blobs = [busybox_layer()] + [oci.layer(oci.tar(step)) for step in steps]
    mixed = oci.layer(oci.tar([oci.file("data/last", "from zstd\n")]), "zstd")
    # A hard link to a file that only a lower layer has.
    lower = oci.layer(oci.tar([oci.hardlink("data/to-lower", "data/kept")]))
    plain = oci.layer(oci.tar([oci.file("data/last", "from gzip\n")]))
    config = {"Env": [PATH], "Cmd": ["sh"]}
    layout.tag({"latest": layout.image(blobs + [plain], config),
                "zstd": layout.image(blobs + [mixed], config),
                "lower-link": layout.image(blobs + [lower], config)})


def many_layers(layout):
    """many-layers: 15 layers of many small files, at least 150 MB compressed, for the bench."""
    words = random.Random(1)
    vocabulary = ["".join(words.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=words.randint(3, 9)))
                  for _ in range(6000)]
    blobs = [busybox_layer()]
    for number in range(1, 15):
        blobs.append(oci.layer(oci.tar(_small_files(number, vocabulary)), level=4))
    size = sum(len(blob.data) for blob in blobs)
    if size < 150_000_000:
        raise SystemExit(f"many-layers: {size} bytes compressed, fewer than 150 MB")
    layout.tag({"latest": layout.image(blobs, {"Env": [PATH], "Cmd": ["sh"]})})


def _small_files(number, vocabulary, total=24_500_000):
    """Entries of one layer: directories of 64 files, text of a few KiB each."""
    chance = random.Random(number)
    entries, written, count = [oci.directory(f"many/{number}")], 0, 0
    while written < total:
        if count % 64 == 0:
            folder = f"many/{number}/{count // 64:04}"
            entries.append(oci.directory(folder))
        text = " ".join(chance.choices(vocabulary, k=int(chance.paretovariate(1.3) * 150) % 9000))
        entries.append(oci.file(f"{folder}/{count:06}.txt", text))
        written, count = written + len(text), count + 1
    return entries


def _fifo(path):
    entry, _ = oci.file(path)
    entry.type = oci.tarfile.FIFOTYPE
    return entry, None


# Numbers its lines until it is told to stop; the count is the one argument.
COUNT = """#!/bin/sh
# count N [PAUSE]: prints "line 1" to "line N", PAUSE seconds apart.
number=0
while [ $number -lt $1 ]; do
  number=$((number + 1))
  echo "line $number"
  [ -z "$2" ] || sleep $2
done
"""

# What a program finds around itself, as sections of plain lines. Compared between engines.
PROBE = """#!/bin/sh
# Prints what the kernel shows a program in this container.
fds=$(for fd in /proc/self/fd/*; do echo "${fd##*/}"; done)
section() { echo "== $1"; }
section capabilities; grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/self/status
section mounts; cut -d' ' -f4- /proc/self/mountinfo
section devices; cd /dev && find . -type c -o -type b -o -type l | sort |
  while read -r node; do stat -c '%n %F %t:%T %a %u:%g' "$node"; done; cd /
section links; for link in fd stdin stdout stderr core ptmx; do
  echo "$link $(readlink /dev/$link)"; done
section fds; echo $fds
section limits; cat /proc/self/limits
section environment; env | sort
section files; for path in /etc/hosts /etc/hostname /etc/resolv.conf /.dockerenv; do
  stat -c '%n %F %a %u:%g' $path 2>&1; done
section oom; cat /proc/self/oom_score_adj
section writable; for path in /proc/sys/kernel/shmmax /proc/sysrq-trigger /proc/irq /proc/bus \\
  /proc/fs /sys/kernel /sys/fs/cgroup; do
  if [ -d $path ]; then mkdir $path/davit-probe 2>/dev/null && verdict=writable || verdict=refused
  else (: >>$path) 2>/dev/null && verdict=writable || verdict=refused; fi
  echo "$path $verdict"; done
section masked; for path in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats \\
  /proc/sched_debug /proc/asound /proc/acpi /proc/scsi /sys/firmware \\
  /sys/devices/virtual/powercap; do
  if [ -d $path ]; then echo "$path directory $(ls -A $path | wc -l)"
  elif [ -e $path ]; then echo "$path file $(head -c 16 $path 2>/dev/null | wc -c)"
  else echo "$path absent"; fi; done
section namespaces; for name in cgroup ipc mnt net pid user uts; do
  echo "$name $(readlink /proc/self/ns/$name)"; done
section cgroup; cat /proc/self/cgroup
"""
