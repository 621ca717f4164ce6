// SPDX-License-Identifier: Apache-2.0
#include "macvlan_driver.hpp"

DAVIT_DRIVER(NetworkDriver, "network", "macvlan", davit::macvlan::MacvlanDriver)
