// SPDX-License-Identifier: Apache-2.0
// Loads drivers of this build for the contract runs, through the engine's own loader.
#pragma once

#include "davit/module.h"

#include <string>

namespace davit::tests {

// The first driver of the manifest of `<name>.so`, be it one of Davit's, an example or a test
// driver; a failure of the running test and nullptr otherwise. A file is loaded once per process.
const davit_driver* load_driver(const std::string& name);

}  // namespace davit::tests
