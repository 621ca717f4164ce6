// SPDX-License-Identifier: Apache-2.0
#include "sdk/layers/files.hpp"

#include <fcntl.h>

namespace davit::layers {

Result<void> Files::seal(int, const std::string&) const { return {}; }

Result<void> Files::remove(int directory, const std::string& name, const StopFlag& stop) const {
    return remove_tree(directory, name, stop);
}

std::string Files::damage(int root, const std::string& layer, State) const {
    return open_beneath(root, layer + "/diff", O_PATH | O_DIRECTORY) ? "" : "its files are missing";
}

}  // namespace davit::layers
