#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up what check ran: counts per suite, failures and skips by name, and the closing line.

results.py DIRECTORY SKIPS: reads DIRECTORY/*.xml (JUnit) and the list of skips that are allowed.
"""
import fnmatch
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def allowed_skips(path):
    """[(pattern, reason)]: lines "pattern: what the kernel lacks", # begins a comment."""
    found = []
    for line in pathlib.Path(path).read_text().splitlines():
        pattern, colon, reason = line.partition(": ")
        if line.strip() and not line.startswith("#"):
            if not colon or not reason.strip():
                raise SystemExit(f"{path}: a line without a reason: {line}")
            found.append((pattern.strip(), reason.strip()))
    return found


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "failed" if case.get("status") == "fail" else "passed"


def passed_again(path):
    """Names of the cases that passed when they were tried a second time."""
    second = path.with_name(f"{path.stem}-again.xml")
    if not second.exists():
        return set()
    results = {}
    for case in ElementTree.parse(second).iter("testcase"):
        key = (case.get("classname"), case.get("name"))
        results[key] = results.get(key, True) and outcome(case) == "passed"
    return {key for key, good in results.items() if good}


def main():
    directory, skips = pathlib.Path(sys.argv[1]), allowed_skips(sys.argv[2])
    total = {"passed": 0, "failed": 0, "skipped": 0}
    named = {"failed": [], "skipped": []}
    for path in sorted(directory.glob("*.xml")):
        if path.stem.endswith("-again"):
            continue
        second = passed_again(path)
        counts = dict.fromkeys(total, 0)
        for case in ElementTree.parse(path).iter("testcase"):
            name, result = case.get("name"), outcome(case)
            if result == "skipped" and not any(fnmatch.fnmatch(name, one) for one, _ in skips):
                result, name = "failed", f"{name} (skipped without a line in tests/skips.txt)"
            if result == "failed" and (case.get("classname"), name) in second:
                print(f"passed at the second attempt: {path.stem}: {name}")
                result = "passed"
            counts[result] += 1
            if result != "passed":
                named[result].append(f"{path.stem}: {name}")
        if sum(counts.values()) > 1:
            print(f"{path.stem:24} " + ", ".join(f"{counts[key]} {key}" for key in total))
        for key in total:
            total[key] += counts[key]
    for key in named:
        for one in named[key]:
            print(f"{key}: {one}")
    print(", ".join(f"{total[key]} {key}" for key in total))
    return 1 if total["failed"] or not total["passed"] else 0


sys.exit(main())
