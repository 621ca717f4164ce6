// SPDX-License-Identifier: Apache-2.0
#include "bridge_driver.hpp"

DAVIT_DRIVER(NetworkDriver, "network", "bridge", davit::bridge::BridgeDriver)
