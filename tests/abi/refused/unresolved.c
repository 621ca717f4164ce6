/* SPDX-License-Identifier: Apache-2.0
 * A driver file that calls a function which no library of the host has: binding now must find that
 * out.
 */
#include "davit/module.h"

const davit_module* davit_test_nobody_has_this(void);
const davit_module* davit_module_v0(void);
__attribute__((visibility("default"))) const davit_module* davit_module_v0(void) {
    return davit_test_nobody_has_this();
}
