// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/btrfs/btrfs_driver.hpp"

DAVIT_DRIVER(StorageDriver, "storage", "btrfs", davit::btrfs::BtrfsDriver)
