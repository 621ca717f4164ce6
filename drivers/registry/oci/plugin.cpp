// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/oci_driver.hpp"

DAVIT_DRIVER(RegistryDriver, "registry", "oci", davit::oci::OciDriver)
