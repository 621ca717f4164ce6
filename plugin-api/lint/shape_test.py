#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each rule of shape.py once, in an otherwise good header, and expects to be told."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shape  # noqa: E402

GOOD = """/* SPDX-License-Identifier: Apache-2.0
 * A header.
 */
#ifndef DAVIT_X_H
#define DAVIT_X_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text. Frozen. */
typedef struct davit_str {
    const char *data;
    uint64_t length;
} davit_str;

typedef int32_t davit_status;
typedef struct davit_call davit_call;
struct davit_call {
    uint32_t size;
    uint32_t padding;
};
typedef struct davit_instance davit_instance;
struct davit_instance {
    uint32_t size;
    uint32_t padding;
};

typedef struct davit_x_request {
    uint32_t size;
    uint32_t flags;
    davit_str name;           /* of it */
} davit_x_request;

typedef struct davit_x {
    uint32_t size;
    uint32_t padding;

    /* Does it.                                                                                               [any] */
    davit_status (*go)(davit_instance *self, const davit_call *call, const davit_x_request *req);
    davit_status (*stop)(davit_instance *self, const davit_call *call);  /* [keyed] */
} davit_x;

#ifdef __cplusplus
}
#endif
#endif
"""


class Shape(unittest.TestCase):
    def complaints(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.h")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                self.code = shape.check([path])
            return out.getvalue()

    def expect(self, old, new, complaint):
        self.assertIn(old, GOOD)
        self.assertIn(complaint, self.complaints(GOOD.replace(old, new, 1)))
        self.assertEqual(self.code, 1)

    def test_a_good_header_passes(self):
        self.assertIn("the shape is kept", self.complaints(GOOD))
        self.assertEqual(self.code, 0)

    def test_the_size_comes_first(self):
        self.expect("    uint32_t size;\n    uint32_t flags;", "    uint32_t flags;\n    uint32_t size;", "first member must be uint32_t size")

    def test_padding_is_explicit(self):
        self.expect("    uint32_t flags;\n", "", "hidden padding before it: name 4 bytes")
        self.expect("    davit_str name;           /* of it */\n", "    davit_str name;\n    uint8_t tail;\n", "hidden padding at its end: name 7 bytes")

    def test_types_have_a_fixed_width(self):
        for bad in ("long", "size_t", "bool", "time_t", "int"):
            self.expect("uint32_t flags", f"{bad} flags", f"type {bad} is not allowed")

    def test_there_are_no_enums(self):
        self.expect("typedef int32_t davit_status;", "typedef int32_t davit_status;\nenum davit_e { A };", "no enum")

    def test_bit_fields_cannot_be_read(self):
        self.expect("uint32_t flags;", "uint32_t flags : 3;", "cannot read the member")

    def test_buffers_are_strings_or_descriptors(self):
        self.expect("    davit_str name;", "    const uint8_t *bytes;\n    davit_str name;", "no bare buffer")

    def test_growable_structs_stand_alone(self):
        self.expect("    davit_str name;           /* of it */\n",
                    "    const davit_call *calls;\n    uint64_t call_count;\n    const davit_x *list;\n    uint64_t list_count;\n",
                    "no array of a growable struct")
        self.expect("    davit_str name;", "    davit_call one;\n    davit_str name;", "cannot be a member of another")

    def test_every_function_has_a_thread_tag(self):
        self.expect("[any] */", "*/", "must end with a thread tag")
        self.expect("  /* [keyed] */", "", "must end with a thread tag")

    def test_an_operation_has_one_request_and_one_result(self):
        self.expect("const davit_x_request *req)", "davit_str key, davit_str name)", "at most one req and at most one out")
        self.expect("const davit_call *call);  /*", "const davit_call *call, ...);  /*", "no variable arguments")

    def test_includes_are_few(self):
        self.expect("#include <stdint.h>", "#include <sys/types.h>", "may not include <sys/types.h>")

    def test_names_begin_with_davit(self):
        self.expect("#define DAVIT_X_H\n", "#define DAVIT_X_H\n#define MAX 3\n", "must begin with DAVIT_")

    def test_headers_stay_short(self):
        self.expect("#ifdef __cplusplus\nextern", "\n" * 200 + "#ifdef __cplusplus\nextern", "longer than 200 lines")

    def test_the_licence_comes_first(self):
        self.expect("/* SPDX-License-Identifier: Apache-2.0\n", "/*\n", "the first line must be the SPDX line")

    def test_the_guard_is_ours(self):
        self.expect("#ifndef DAVIT_X_H", "#ifndef X_H", "include guard")


if __name__ == "__main__":
    unittest.main()
