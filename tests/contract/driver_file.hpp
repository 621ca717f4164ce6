// SPDX-License-Identifier: Apache-2.0
// Loads drivers of this build for the contract runs.
#pragma once

#include "davit/module.h"

#include <string>

namespace davit::tests {

// The first driver of the file `<name>.so`; a failure of the running test and nullptr otherwise.
const davit_driver* load_driver(const std::string& name);

}  // namespace davit::tests
