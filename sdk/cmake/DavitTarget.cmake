# SPDX-License-Identifier: Apache-2.0
# What every target of this tree is compiled with, and how a unit test is made.

# Hardening: security.md 4.4. FORTIFY needs optimisation and disturbs sanitizers, so it is left out there.
add_library(davit_flags INTERFACE)
target_compile_options(davit_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>
  -fstack-protector-strong -fcf-protection -ftrivial-auto-var-init=zero -ffunction-sections -fdata-sections)
target_compile_definitions(davit_flags INTERFACE _GNU_SOURCE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
target_link_options(davit_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--gc-sections)
if(DAVIT_SANITIZE)
  target_compile_options(davit_flags INTERFACE -fsanitize=${DAVIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(davit_flags INTERFACE -fsanitize=${DAVIT_SANITIZE})
else()
  target_compile_options(davit_flags INTERFACE $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()

# davit_add_library(NAME sdk_base ALIAS davit::base SOURCES … [LINK …] [PRIVATE_LINK …])
# A static library of one room. Its headers are included from the top of the tree: #include "sdk/base/fd.hpp".
function(davit_add_library)
  cmake_parse_arguments(ARG "" "NAME;ALIAS" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${ARG_NAME} STATIC ${ARG_SOURCES})
  add_library(${ARG_ALIAS} ALIAS ${ARG_NAME})
  target_include_directories(${ARG_NAME} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/davit>)
  target_link_libraries(${ARG_NAME} PUBLIC ${ARG_LINK} PRIVATE davit_flags ${ARG_PRIVATE_LINK})
endfunction()

# davit_add_test(NAME base_test SOURCES … LINK … [LABELS root] [SERIAL])
# A GoogleTest program; every TEST in it is a ctest of its own. Label `root` marks what needs privileges.
function(davit_add_test)
  if(NOT DAVIT_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SERIAL" "NAME;TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LINK} davit_flags GTest::gtest_main Threads::Threads)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${ARG_NAME} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
