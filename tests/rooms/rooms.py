#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when an #include points the wrong way between the rooms of the tree, or when a library leaves its room.

    rooms.py TREE        every file of the tree that git knows, or every file below it
    rooms.py --self-test each rule broken once
"""
import os
import re
import subprocess
import sys

SOURCES = (".h", ".hpp", ".c", ".cpp")
OURS = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
THEIRS = re.compile(r"^\s*#\s*include\s+<([^>]+)>")

# What each room may see besides itself. A driver's, plugin's or example's room is its own folder.
SEES = {
    "plugin-api": (),
    "sdk": ("plugin-api",),
    "core": ("plugin-api", "sdk"),
    "drivers": ("plugin-api", "sdk"),
    "plugins": ("plugin-api", "sdk"),
    "examples": ("plugin-api", "sdk"),
    "cli": ("sdk/client", "sdk/base"),
    "cli/dial": ("sdk/tls", "sdk/base"),
}
# sdk/base is below everything, the client below nothing but it.
SDK_SEES = {"sdk/base": (), "sdk/client": ("sdk/base",), "sdk/tls": ("sdk/base",)}

# Where a library may be included, and by which kind of file. Everybody else goes through that room.
LIBRARIES = [
    (r"boost/dll", r"core/plugin/library\.cpp"),
    (r"boost/(beast|asio)", r"plugins/docker-api/\w+\.(cpp|hpp)"),
    (r"boost/json/fwd\.hpp", r".*"),
    (r"boost/json/(value|object|array)\.hpp", r".*\.cpp|cli/.*"),  # what the CLI shows is JSON throughout
    (r"boost/json", r".*\.cpp"),
    (r"spdlog", r".*\.cpp"),
    (r"sqlite3", r"core/store/.*"),
    (r"curl", r"drivers/registry/oci/.*"),
    (r"archive(_entry)?\.h", r"core/unpack/.*"),
    (r"netlink/(?!.*\.h>)|libmnl|libnftnl", r"sdk/netlink/.*"),
    (r"btrfsutil|linux/btrfs", r"drivers/storage/btrfs/.*"),
    (r"openssl/(?!evp|sha)", r"sdk/tls/.*"),
    (r"seccomp\.h", r"sdk/container/.*"),
    (r"CLI/", r"(core/engine|cli)/.*\.cpp"),
    (r"dlfcn\.h", r"sdk/contract/conform\.cpp|drivers/exec/native/launch_client\.cpp"),
    # the kit that vendors run on their own files; dladdr, to find what lies beside a driver
]


def room_of(path):
    """ "drivers/storage/overlay/x.cpp" -> "drivers/storage/overlay"; a driver is a folder of a kind."""
    parts = path.split("/")
    if parts[0] == "drivers" and len(parts) > 3:
        return "/".join(parts[:3])
    if parts[:2] == ["cli", "dial"]:  # a program of its own
        return "cli/dial"
    if parts[0] in ("plugins", "examples") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def target_of(path, include):
    if "/" not in include:  # a neighbour in the same folder
        return os.path.join(os.path.dirname(path), include)
    return "plugin-api/include/" + include if include.startswith("davit/") else include


def inside(path, room):
    return path == room or path.startswith(room + "/")


def may_see(path, target):
    top, room = path.split("/")[0], room_of(path)
    # Unit tests of a driver sit beside it.
    if re.search(r"_(test|fixture)\.[ch]pp$", path) and inside(target, "tests/support"):
        return True
    if top == "tests" or inside(target, room) and top != "sdk":
        return True
    if top == "sdk":
        for low, sees in SDK_SEES.items():
            if inside(path, low):
                return any(inside(target, seen) for seen in (low,) + sees)
        return inside(target, "sdk") or inside(target, "plugin-api")
    return any(inside(target, seen) for seen in SEES.get(room, SEES.get(top, ())))


def complaints(path, text):
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        ours, theirs = OURS.match(line), THEIRS.match(line)
        if ours and not may_see(path, target_of(path, ours.group(1))):
            found.append(f'{path}:{number}: {room_of(path)} may not include "{ours.group(1)}"')
        if theirs and not path.startswith("tests/"):
            for library, places in LIBRARIES:
                if re.match(library, theirs.group(1)):
                    if not re.fullmatch(places, path):
                        found.append(f"{path}:{number}: <{theirs.group(1)}> belongs into {places}")
                    break
    return found


def files_of(tree):
    listed = subprocess.run(["git", "-C", tree, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return listed.stdout.decode().split("\0")
    return [os.path.relpath(os.path.join(folder, name), tree) for folder, _, names in os.walk(tree) for name in names]


def check(tree):
    found, count = [], 0
    for path in files_of(tree):
        full = os.path.join(tree, path)
        if path.endswith(SOURCES) and not path.startswith("build/") and os.path.exists(full):
            with open(full, encoding="utf-8") as file:
                found += complaints(path, file.read())
            count += 1
    print("\n".join(found) if found else f"{count} files: every include points the right way")
    return 1 if found or count == 0 else 0


def self_test():
    wrong = [
        ("sdk/base/x.hpp", '"sdk/plugin/value.hpp"'), ("sdk/base/x.hpp", '"davit/base.h"'),
        ("sdk/client/x.cpp", '"sdk/plugin/entry.hpp"'), ("sdk/netlink/x.cpp", '"core/run/x.hpp"'),
        ("plugin-api/include/davit/x.h", '"sdk/base/fd.hpp"'), ("cli/x.cpp", '"sdk/container/x.hpp"'),
        ("cli/x.cpp", '"davit/base.h"'), ("drivers/storage/a/x.cpp", '"drivers/storage/b/x.hpp"'),
        ("drivers/storage/a/x.cpp", '"core/store/x.hpp"'), ("plugins/docker-api/x.cpp", '"core/job/x.hpp"'),
        ("drivers/storage/a/x.cpp", '"tests/support/x.hpp"'), ("drivers/storage/a/x_test.cpp", '"core/store/x.hpp"'),
        ("examples/a/x.cpp", '"drivers/storage/a/x.hpp"'), ("core/x.cpp", '"drivers/storage/a/x.hpp"'),
        ("core/plugin/catalog.cpp", "<boost/dll/shared_library.hpp>"), ("core/image/x.hpp", "<boost/json.hpp>"),
        ("core/daemon/x.hpp", "<spdlog/spdlog.h>"), ("core/image/x.cpp", "<sqlite3.h>"),
        ("core/plugin/x.cpp", "<dlfcn.h>"), ("core/image/x.cpp", "<curl/curl.h>"),
    ]
    right = [
        ("sdk/plugin/x.hpp", '"davit/base.h"'), ("sdk/container/x.cpp", '"sdk/base/fd.hpp"'),
        ("sdk/client/x.cpp", '"sdk/base/fd.hpp"'), ("core/a/x.cpp", '"core/b/y.hpp"'),
        ("drivers/storage/a/sub/x.cpp", '"drivers/storage/a/y.hpp"'), ("cli/x.cpp", '"sdk/client/y.hpp"'),
        ("tests/unit/x.cpp", '"core/y.hpp"'),
        ("drivers/storage/a/x_test.cpp", '"tests/support/x.hpp"'), ("core/plugin/library.cpp", "<boost/dll/shared_library.hpp>"),
        ("core/plugin/manifest.hpp", "<boost/json/fwd.hpp>"), ("core/image/x.cpp", "<boost/json.hpp>"),
        ("core/store/x.cpp", "<sqlite3.h>"), ("core/image/x.cpp", "<vector>"),
    ]
    failed = [f"not refused: {path} {what}" for path, what in wrong if not complaints(path, f"#include {what}")]
    failed += [f"refused: {path} {what}" for path, what in right if complaints(path, f"#include {what}")]
    print("\n".join(failed) if failed else f"{len(wrong)} wrong and {len(right)} right includes told apart")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(sys.argv[1]))
