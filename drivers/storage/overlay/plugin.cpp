// SPDX-License-Identifier: Apache-2.0
#include "drivers/storage/overlay/overlay_driver.hpp"

DAVIT_DRIVER(StorageDriver, "storage", "overlay", davit::overlay::OverlayDriver)
