# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=abi_layout -DEXPECTED=layout.txt -P CompareLayout.cmake; with DAVIT_UPDATE=1 in the environment the
# file is written instead.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE found COMMAND_ERROR_IS_FATAL ANY)
if("$ENV{DAVIT_UPDATE}")
  file(WRITE ${EXPECTED} "${found}")
  return()
endif()
file(READ ${EXPECTED} expected)
if(NOT found STREQUAL expected)
  file(WRITE ${PROGRAM}.found "${found}")
  execute_process(COMMAND diff -u ${EXPECTED} ${PROGRAM}.found)
  message(FATAL_ERROR "the layout of the ABI changed. If that is meant: a line in plugin-api/CHANGELOG.md, "
    "then DAVIT_UPDATE=1 ctest -R abi.layout")
endif()
