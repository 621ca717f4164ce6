/* SPDX-License-Identifier: Apache-2.0
 * Every header of the ABI as C11, without extensions and with all warnings as errors; the same file
 * is compiled as C++20.
 */
#include "davit/base.h"
#include "davit/draft/log.h"
#include "davit/draft/service.h"
#include "davit/exec.h"
#include "davit/host.h"
#include "davit/module.h"
#include "davit/network.h"
#include "davit/registry.h"
#include "davit/storage.h"

int davit_headers_compile(void);
int davit_headers_compile(void) { return (int)DAVIT_ABI_MAJOR; }
