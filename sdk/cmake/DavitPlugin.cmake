# SPDX-License-Identifier: Apache-2.0
# davit_add_driver(NAME overlay KIND storage SOURCES plugin.cpp … [LINK davit::netlink …] [MANIFEST manifest.json]
#                  [VERSION 1.2.3] [DIRECTORY folder] [PLAIN_C])
# Builds lib/davit/drivers/NAME.so as the driver ABI asks (docs/driver-guide/abi.md): hidden symbols, its own C++
# runtime, one exported symbol, the manifest in an ELF note. In the manifest @DAVIT_VERSION@ becomes VERSION, by default
# the project's. DIRECTORY: where the file goes instead (it is not installed then; DAVIT_DRIVERS_STAY says so for a folder
# of the tree). PLAIN_C: C sources that use the
# headers alone, without the C++ face. A test checks the file that was built.
set(DAVIT_PLUGIN_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(davit_add_driver)
  cmake_parse_arguments(ARG "PLAIN_C" "NAME;KIND;MANIFEST;VERSION;DIRECTORY" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_MANIFEST)
    set(ARG_MANIFEST manifest.json)
  endif()
  if(NOT ARG_VERSION)
    set(ARG_VERSION ${PROJECT_VERSION})
  endif()
  if(ARG_DIRECTORY)
    set(directory ${ARG_DIRECTORY})
  else()
    set(directory ${DAVIT_DRIVER_OUTPUT_DIRECTORY})
  endif()
  set(face davit::plugin)
  if(ARG_PLAIN_C)
    set(face davit::plugin_api)
  endif()
  set(target davit_driver_${ARG_NAME})
  string(REPLACE "-" "_" target ${target})
  set(DAVIT_VERSION ${ARG_VERSION})
  set(manifest ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}_manifest.json)
  configure_file(${ARG_MANIFEST} ${manifest} @ONLY)
  set(note ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}_note.c)
  configure_file(${DAVIT_PLUGIN_CMAKE_DIR}/note.c.in ${note} @ONLY)
  set_source_files_properties(${note} PROPERTIES OBJECT_DEPENDS ${manifest})

  add_library(${target} MODULE ${ARG_SOURCES} ${note})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${ARG_NAME} SUFFIX ".so" LIBRARY_OUTPUT_DIRECTORY ${directory})
  target_compile_definitions(${target} PRIVATE DAVIT_MODULE_VERSION="${ARG_VERSION}")
  target_link_libraries(${target} PRIVATE ${face} ${ARG_LINK} davit_flags)
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--version-script=${DAVIT_PLUGIN_CMAKE_DIR}/driver.map)
  if(NOT DAVIT_SANITIZE)
    target_link_options(${target} PRIVATE -static-libgcc -Wl,-z,defs)
    if(NOT ARG_PLAIN_C)
      target_link_options(${target} PRIVATE -static-libstdc++)
    endif()
  endif()
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${DAVIT_PLUGIN_CMAKE_DIR}/driver.map)
  davit_check_driver(${target})
  if(NOT ARG_DIRECTORY AND NOT DAVIT_DRIVERS_STAY)
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/davit/drivers)
  endif()
endfunction()

# A test that looks at the built file as a packager would: exports, libraries it needs, note after strip.
function(davit_check_driver target)
  if(NOT DAVIT_TESTS)
    return()
  endif()
  add_test(NAME driver_file.${target} COMMAND ${CMAKE_COMMAND}
    -DDRIVER=$<TARGET_FILE:${target}> -DSANITIZE=${DAVIT_SANITIZE}
    -DREADELF=${CMAKE_READELF} -DSTRIP=${CMAKE_STRIP} -DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/${target}.stripped
    -P ${DAVIT_PLUGIN_CMAKE_DIR}/CheckDriver.cmake)
endfunction()
