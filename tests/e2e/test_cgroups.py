# SPDX-License-Identifier: Apache-2.0
"""Control groups as programs in containers find them, on hosts of either version."""
import json
import time

from conftest import REGISTRY
from harness.engine import CGROUP_V2

BUSYBOX = f"{REGISTRY}/busybox"
# Where a privileged program makes a group of its own and goes there. On version 2 it then hands a
# controller down, after which the container's own group can hold no process.
OWN_GROUP = """
top=/sys/fs/cgroup; [ -e $top/cgroup.controllers ] || top=$top/pids
mkdir $top/inner && echo 0 >$top/inner/cgroup.procs
[ ! -e $top/cgroup.subtree_control ] || echo +pids >$top/cgroup.subtree_control
echo moved; exec sleep 1000
"""


def moved(cli, made):
    for _ in range(200):
        if "moved" in cli("logs", made):
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not get there: {cli.run('logs', made)}")


def groups(text):
    """The paths in /proc/self/cgroup, one of each hierarchy."""
    return [line.split(":", 2)[2] for line in text.splitlines()]


def test_a_container_is_at_the_top_of_the_groups_that_it_sees(cli):
    assert set(groups(cli("run", "--rm", BUSYBOX, "cat", "/proc/self/cgroup"))) == {"/"}


def test_exec_enters_the_containers_group(cli, name):
    made = name()
    cli("run", "-d", "--name", made, BUSYBOX, "sleep", "1000")
    assert set(groups(cli("exec", made, "cat", "/proc/self/cgroup"))) == {"/"}


def test_exec_follows_a_container_that_made_groups_of_its_own(cli, name):
    made = name()
    cli("run", "-d", "--privileged", "--name", made, BUSYBOX, "sh", "-c", OWN_GROUP)
    moved(cli, made)
    found = groups(cli("exec", made, "cat", "/proc/self/cgroup"))
    assert "/inner" in found if CGROUP_V2 else "/" in found
    cli("rm", "-f", made)


def test_everything_in_groups_below_is_killed_with_the_container(cli, name):
    made = name()
    cli("run", "-d", "--privileged", "--init", "--name", made, BUSYBOX, "sh", "-c", OWN_GROUP)
    moved(cli, made)
    assert "sleep" in cli("top", made)
    cli("rm", "-f", made)


def test_info_names_the_version(cli):
    shown = json.loads(cli("info", "--format", "{{json .CgroupVersion}}"))
    assert shown == ("2" if CGROUP_V2 else "1")
