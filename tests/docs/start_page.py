#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of docs/driver-guide/start.md as they stand there: start_page.py TREE BUILD

A command is an indented line that begins with a program of the list below; everything happens in a folder of its own,
in which examples/ and build/release are links to the tree and to the build that is tested.
"""
import os
import re
import subprocess
import sys
import tempfile

PROGRAMS = ("cp", "sed", "cmake", "nm", "readelf", "build/release/bin/davit-conform")


def main(tree, build):
    with open(os.path.join(tree, "docs/driver-guide/start.md"), encoding="utf-8") as page:
        lines = [line[4:].rstrip() for line in page if line.startswith("    ")]
    commands = [line for line in lines if line.split(" ")[0] in PROGRAMS]
    if len(commands) < 8:
        sys.exit(f"the page has only {len(commands)} commands")
    with tempfile.TemporaryDirectory(prefix="davit-start-") as folder:
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(build, os.path.join(folder, "build/release"))
        os.symlink(os.path.join(tree, "examples"), os.path.join(folder, "examples"))
        outputs = {}
        for command in commands:
            print("$", command, flush=True)
            done = subprocess.run(["/bin/sh", "-ec", command], cwd=folder, capture_output=True, text=True, check=False)
            outputs[command.split(" ")[0]] = done.stdout
            if done.returncode != 0:
                sys.exit(f"{done.stdout}{done.stderr}ended with {done.returncode}")
    exported = outputs["nm"].split("\n")
    if len([line for line in exported if line]) != 1 or "davit_module_v0" not in exported[0]:
        sys.exit(f"it exports more than davit_module_v0:\n{outputs['nm']}")
    if "davit" not in outputs["readelf"]:
        sys.exit("it has no manifest")
    tests = re.search(r"\[  PASSED  \] (\d+) tests", outputs["build/release/bin/davit-conform"])
    if not tests or int(tests.group(1)) < 50:
        sys.exit("the contract did not run")
    print(f"{len(commands)} commands ran as written; {tests.group(1)} cases of the contract hold")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
