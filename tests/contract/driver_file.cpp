// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/driver_file.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace davit::tests {

const davit_driver* load_driver(const std::string& name) {
    const std::string path = std::string(DAVIT_DRIVER_DIRECTORY) + "/" + name + ".so";
    void* file = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: drivers stay
    void* symbol = file == nullptr ? nullptr : ::dlsym(file, DAVIT_MODULE_SYMBOL);
    if (symbol == nullptr) {
        ADD_FAILURE() << ::dlerror();
        return nullptr;
    }
    const davit_module* module = reinterpret_cast<davit_module_fn>(symbol)();
    return module->driver_count > 0 ? module->drivers[0] : nullptr;
}

}  // namespace davit::tests
