// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/native_driver.hpp"

DAVIT_DRIVER(ExecDriver, "exec", "native", davit::native::NativeDriver)
