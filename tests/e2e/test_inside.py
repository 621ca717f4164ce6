# SPDX-License-Identifier: Apache-2.0
"""What a program finds around itself in a container, compared with the same container of dockerd."""
import re

import pytest

from conftest import REGISTRY

TOOLBOX = f"{REGISTRY}/toolbox"
SECTIONS = ["capabilities", "devices", "links", "fds", "limits", "environment", "files", "oom",
            "writable", "masked"]
# (title, flags): the containers whose inside is compared.
CONTAINERS = {
    "default": (), "user": ("-u", "app"), "read-only": ("--read-only",),
    "capabilities": ("--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"),
    "no-new-privileges": ("--security-opt", "no-new-privileges"),
    "working-directory": ("-w", "/tmp", "-e", "A=b"),
}


def sections(text):
    """{title: [lines]} of what the image's `probe` prints."""
    found, title = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            title = line[3:]
            found[title] = []
        else:
            found[title].append(_plain(line))
    return found


def _plain(line):
    line = re.sub(r"^HOSTNAME=[0-9a-f]{12}$", "HOSTNAME=<id>", line)
    return re.sub(r"\s+", " ", line).strip()


def no_looser(ours, theirs):
    """Nothing can be written that cannot with dockerd, which leaves the directory of the cgroup
    hierarchies writable; less is fine."""
    return len(ours) == len(theirs) and all(
        one == other or (one.endswith(" refused") and one.split()[0] == other.split()[0])
        for one, other in zip(ours, theirs))


def mount_flags(lines):
    """{mount point: (root or source's name, flags, type)}; propagation and host paths left out."""
    found = {}
    for line in lines:
        fields, _, rest = line.partition(" - ")
        words = fields.split()
        kind = rest.split()[0]
        flags = frozenset(words[2].split(",")) - {"relatime"}
        # What masks a file is a null device: the container's own with dockerd, the host's with Davit.
        found[words[1]] = (flags, "tmpfs" if kind == "devtmpfs" else kind)
    return found


_seen = {}


def probe(cli, flags):
    """What the probe prints in a container with these flags; asked once for each engine."""
    key = (cli.engine.name, flags)
    if key not in _seen:
        _seen[key] = sections(cli("run", "--rm", *flags, TOOLBOX, "probe"))
    return _seen[key]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_shows_its_program_what_dockerd_shows(docker, reference_cli, container, section):
    flags = CONTAINERS[container]
    ours, theirs = (probe(cli, flags)[section] for cli in (docker, reference_cli))
    assert (no_looser(ours, theirs) if section == "writable" else ours == theirs), (ours, theirs)


@pytest.mark.parametrize("container", ["default", "read-only"])
def test_a_container_has_dockerds_mounts_with_their_flags(docker, reference_cli, container):
    flags = CONTAINERS[container]
    ours = mount_flags(probe(docker, flags)["mounts"])
    theirs = mount_flags(probe(reference_cli, flags)["mounts"])
    # The order of magnitude of masking may differ (more masked is fine); what dockerd masks must be.
    missing = {point: theirs[point] for point in theirs if point not in ours}
    assert not missing
    # More flags are stricter: what masks is nosuid, nodev and noexec too.
    differing = {point: (ours[point], theirs[point]) for point in theirs
                 if not (ours[point][0] >= theirs[point][0] and ours[point][1] == theirs[point][1])
                 and not point.startswith(("/sys/fs/cgroup", "/etc/"))}
    assert not differing


def test_a_program_started_by_exec_has_the_same_rights_as_with_dockerd(docker, reference_cli, name):
    found = []
    for cli in (docker, reference_cli):
        made = name()
        cli("run", "-d", "--name", made, TOOLBOX, "sleep", "60")
        found.append(sections(cli("exec", made, "probe")))
    for section in ("capabilities", "fds", "limits", "writable", "masked", "oom"):
        ours, theirs = found[0][section], found[1][section]
        assert no_looser(ours, theirs) if section == "writable" else ours == theirs, section


def test_the_default_filter_forbids_what_dockerds_does(docker, reference_cli):
    """Calls that any image can make with busybox alone; security.md R-17 names the others."""
    script = """
      try() { "$@" >/dev/null 2>&1 && echo "$1 $2: allowed" || echo "$1 $2: refused"; }
      try unshare -U true; try unshare -m true; try unshare -n true; try mount -t tmpfs none /tmp
      try mknod /tmp/null c 1 3; try chroot / true; try hostname other; try ip link add d0 type dummy
      try date -s 2020-01-01; try dmesg; try nice -n 5 true; try swapon /dev/null; try losetup -f
      try ping -c 1 -W 1 127.0.0.1; try pivot_root / /tmp; try insmod /etc/passwd; try chown 5 /tmp
    """
    ours, theirs = (cli("run", "--rm", TOOLBOX, "sh", "-c", script) for cli in
                    (docker, reference_cli))
    assert ours == theirs
