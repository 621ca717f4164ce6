#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the one shape of the driver ABI's headers, and tells their layout.

    shape.py check HEADER...     every rule of docs/driver-guide/abi.md that a machine can see; exit 1 with file:line
    shape.py layout HEADER...    a C program that prints every struct, member, offset and size

The headers are so regular that a few regular expressions read them; what these cannot read is itself an error.
"""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

LINES_MAX = 200
SCALARS = {"uint8_t": 1, "int8_t": 1, "char": 1, "uint16_t": 2, "int16_t": 2, "uint32_t": 4, "int32_t": 4,
           "davit_status": 4, "uint64_t": 8, "int64_t": 8}
TAGS = ("[any]", "[keyed]", "[exclusive]")
# One object each, whose address is handed over; never a list of them.
DESCRIPTORS = "const int32_t *"  # a list of file descriptors, the one array of plain numbers
OBJECTS = {"davit_host", "davit_instance", "davit_call", "davit_driver"}


@dataclass
class Member:
    line: int
    type: str            # "uint32_t", "const davit_kv *"; of a function: its whole declaration
    name: str
    count: int = 1       # of an array in the struct
    function: bool = False
    comment: str = ""


@dataclass
class Struct:
    file: str
    line: int
    name: str
    frozen: bool
    members: list = field(default_factory=list)

    @property
    def growable(self):
        return not self.frozen


class Header:
    def __init__(self, path, text):
        self.path, self.text, self.errors = path, text, []
        self.lines = text.split("\n")
        self.structs = []

    def error(self, line, what):
        self.errors.append(f"{self.path}:{line}: {what}")

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def read_structs(header):
    """Finds `struct x { … }`; the comment right before one tells whether it is frozen."""
    opening = re.compile(r"^(?:typedef )?struct (davit_\w+) \{$", re.M)
    for match in opening.finditer(header.text):
        end = header.text.find("\n}", match.end())
        before = header.text[:match.start()].rstrip()
        before = re.sub(r"typedef struct (\w+) \1;$", "", before).rstrip()  # the opaque name stands between
        frozen = before.endswith("*/") and "Frozen." in before[before.rfind("/*"):]
        struct = Struct(header.path, header.line_of(match.start()), match.group(1), frozen)
        read_members(header, struct, match.end(), end)
        header.structs.append(struct)


def read_members(header, struct, start, end):
    body = header.text[start:end]
    comments = [(m.start(), m.end(), m.group()) for m in re.finditer(r"/\*.*?\*/", body, re.S)]
    bare = body
    for begin, stop, text in comments:
        bare = bare[:begin] + re.sub(r"[^\n]", " ", text) + bare[stop:]
    at = 0
    for match in re.finditer(r"[^;]+;", bare):
        declaration = " ".join(match.group()[:-1].split())
        first = match.start() + len(match.group()) - len(match.group().lstrip())
        line = header.line_of(start + first)
        before = [c for c in comments if at <= c[0] < first]
        rest_of_line = bare.find("\n", match.end())
        after = [c for c in comments if match.end() <= c[0] < (rest_of_line if rest_of_line >= 0 else len(bare))]
        comment = (after or before or [(0, 0, "")])[-1][2]
        at = match.end()
        add_members(header, struct, line, declaration, comment)


def add_members(header, struct, line, declaration, comment):
    function = re.fullmatch(r"(.*?)\(\*(\w+)\)\((.*)\)", declaration)
    if function:
        struct.members.append(Member(line, declaration, function.group(2), function=True, comment=comment))
        return
    plain = re.fullmatch(r"((?:const )?\w+)((?: \*(?:const \*)?)?) ?([\w, \[\]]+)", declaration)
    if not plain:
        header.error(line, f"cannot read the member: {declaration}")
        return
    for name in plain.group(3).split(", "):
        array = re.fullmatch(r"(\w+)\[(\d+)\]", name)
        struct.members.append(Member(line, plain.group(1) + plain.group(2), array.group(1) if array else name,
                                     int(array.group(2)) if array else 1, comment=comment))


# ---- rules ------------------------------------------------------------------------------------------------------------

def check_file(header):
    if not header.text.startswith("/* SPDX-License-Identifier: Apache-2.0\n"):
        header.error(1, "the first line must be the SPDX line")
    if len(header.lines) - 1 > LINES_MAX:
        header.error(LINES_MAX + 1, f"longer than {LINES_MAX} lines: split the header")
    guard = re.search(r"^#ifndef (\w+)\n#define (\w+)\n", header.text, re.M)
    if not guard or guard.group(1) != guard.group(2) or not re.fullmatch(r"DAVIT_\w+_H", guard.group(1)):
        header.error(1, "there must be an include guard DAVIT_…_H")
    if header.text.count('extern "C" {') != 1:
        header.error(1, 'everything must stand in one extern "C"')
    for number, line in enumerate(header.lines, 1):
        check_line(header, number, line)


def check_line(header, number, line):
    include = re.match(r"#include (.*)", line)
    if include and not re.fullmatch(r'<stddef\.h>|<stdint\.h>|"davit/[\w/]+\.h"', include.group(1)):
        header.error(number, f"may not include {include.group(1)}: only <stddef.h>, <stdint.h> and \"davit/…\"")
    macro = re.match(r"#define (\w+)", line)
    if macro and not macro.group(1).startswith("DAVIT_"):
        header.error(number, f"macro {macro.group(1)} must begin with DAVIT_")
    if re.search(r"//", re.sub(r'".*?"|/\*.*?\*/', "", line)) and not re.match(r"\s*\*|/\*", line):
        header.error(number, "C11 comments only: /* … */")
    if re.match(r"\s*(typedef )?enum\b", line):
        header.error(number, "no enum: its size is the compiler's choice; define constants")


def check_struct(header, struct, structs):
    names = [member.name for member in struct.members]
    if struct.growable and (not struct.members or struct.members[0].type != "uint32_t" or names[0] != "size"):
        header.error(struct.line, f"{struct.name}: the first member must be uint32_t size, or the comment must say Frozen.")
    for member in struct.members:
        (check_function if member.function else check_data)(header, struct, member, structs)
    check_padding(header, struct, structs)


def is_list(struct, member):
    """A pointer that a count follows: `const davit_kv *labels; uint64_t label_count;`."""
    after = struct.members.index(member) + 1
    return "*" in member.type and after < len(struct.members) and struct.members[after].name.endswith("count")


def check_data(header, struct, member, structs):
    base = member.type.replace("const ", "").replace("*", "").strip()
    where = f"{struct.name}.{member.name}"
    if base == "void" or base in structs or base in SCALARS:
        if "*" not in member.type and base in structs and structs[base].growable:
            header.error(member.line, f"{where}: a growable struct cannot be a member of another")
        elif is_list(struct, member) and base in structs and structs[base].growable and base not in OBJECTS:
            header.error(member.line, f"{where}: no array of a growable struct: emit it, or freeze it")
        elif "*" in member.type and base in SCALARS and not struct.frozen and member.type != DESCRIPTORS:
            header.error(member.line, f"{where}: no bare buffer: use davit_str or a descriptor")
        return
    header.error(member.line, f"{where}: type {base} is not allowed: fixed-width integers and davit_ structs only")


def check_function(header, struct, member, structs):
    where = f"{struct.name}.{member.name}"
    result, parameters = re.fullmatch(r"(.*?) ?\(\*\w+\)\((.*)\)", member.type).groups()
    if result not in ("davit_status", "int32_t", "void", "const void *"):
        header.error(member.line, f"{where}: may return davit_status, int32_t, const void * or nothing, not {result}")
    if "..." in parameters:
        header.error(member.line, f"{where}: no variable arguments")
    for parameter in [] if parameters == "void" else parameters.split(", "):
        base = re.sub(r"\b\w+$", "", parameter).replace("const ", "").replace("*", "").strip()
        by_value = "*" not in parameter
        if base not in structs and base not in SCALARS and not (base == "void" and not by_value):
            header.error(member.line, f"{where}: type of parameter \"{parameter}\" is not allowed")
        elif by_value and base in structs and structs[base].growable:
            header.error(member.line, f"{where}: growable structs are passed by pointer")
    check_operation(header, member, where, parameters)
    if not re.sub(r"\s*\*/$", "", member.comment).endswith(TAGS):
        header.error(member.line, f"{where}: its comment must end with a thread tag: {', '.join(TAGS)}")


def check_operation(header, member, where, parameters):
    """What takes an instance is an operation: the instance, the call, one request, one result."""
    if not parameters.startswith("davit_instance *self") or member.name == "get":
        return
    shape = r"davit_instance \*self, const davit_call \*call(, const davit_\w+ \*req(, davit_\w+ \*out)?)?"
    if not re.fullmatch(shape, parameters):
        header.error(member.line, f"{where}: an operation takes self, call, at most one req and at most one out")


def size_of(type_name, structs):
    """Size and alignment, or None for what check_data has refused."""
    if "*" in type_name:
        return 8, 8
    base = type_name.replace("const ", "").strip()
    if base in SCALARS:
        return SCALARS[base], SCALARS[base]
    if base in structs:
        total, align = 0, 1
        for member in structs[base].members:
            size, alignment = (8, 8) if member.function else size_of(member.type, structs) or (0, 1)
            total += size * member.count
            align = max(align, alignment)
        return total, align
    return None


def check_padding(header, struct, structs):
    offset, align = 0, 1
    for member in struct.members:
        found = (8, 8) if member.function else size_of(member.type, structs)
        if found is None:
            return
        size, alignment = found
        if offset % alignment:
            header.error(member.line, f"{struct.name}.{member.name}: hidden padding before it: name {alignment - offset % alignment} bytes of padding")
            return
        offset += size * member.count
        align = max(align, alignment)
    if offset % align:
        header.error(struct.line, f"{struct.name}: hidden padding at its end: name {align - offset % align} bytes of padding")


# ---- programs ---------------------------------------------------------------------------------------------------------

def read(paths):
    headers = [Header(path, Path(path).read_text(encoding="utf-8")) for path in paths]
    for header in headers:
        read_structs(header)
    return headers, {struct.name: struct for header in headers for struct in header.structs}


def check(paths):
    headers, structs = read(paths)
    for header in headers:
        check_file(header)
        for struct in header.structs:
            check_struct(header, struct, structs)
    errors = [error for header in headers for error in header.errors]
    print("\n".join(errors) if errors else f"{len(paths)} headers, {len(structs)} structs: the shape is kept")
    return 1 if errors else 0


def layout(paths):
    headers, _ = read(paths)
    print("/* Made by plugin-api/lint/shape.py: prints the layout of every struct. */\n#include <stdio.h>")
    for path in paths:
        print(f'#include "{path[path.index("davit/", path.index("include/")):]}"')
    print("int main(void) {")
    for header in headers:
        for struct in header.structs:
            print(f'    printf("{struct.name} size %zu align %zu%s\\n", sizeof({struct.name}), _Alignof({struct.name}), '
                  f'"{" frozen" if struct.frozen else ""}");')
            for member in struct.members:
                print(f'    printf("    {member.name} %zu %zu\\n", offsetof({struct.name}, {member.name}), '
                      f"sizeof((({struct.name} *)0)->{member.name}));")
    print("    return 0;\n}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "layout"):
        sys.exit(__doc__)
    sys.exit({"check": check, "layout": layout}[sys.argv[1]](sys.argv[2:]))
