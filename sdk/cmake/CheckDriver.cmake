# SPDX-License-Identifier: Apache-2.0
# Run as a test of every driver file: cmake -DDRIVER=x.so -DREADELF=… -DSTRIP=… -DSCRATCH=copy [-DSANITIZE=…] -P CheckDriver.cmake
# One exported symbol, no shared C++ runtime, no text relocations, everything bound at load, and a manifest that
# survives strip.
function(read_elf result)
  execute_process(COMMAND ${READELF} ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# Exported: defined (not UND) and GLOBAL or WEAK in the dynamic table.
read_elf(symbols --dyn-syms -W ${DRIVER})
string(REGEX MATCHALL "[^\n]*(GLOBAL|WEAK|UNIQUE) +[A-Z]+ +[0-9]+ +[^\n]*" exported "${symbols}")
foreach(line IN LISTS exported)
  string(REGEX REPLACE ".* ([^ ]+)$" "\\1" symbol "${line}")
  if(NOT symbol MATCHES "^davit_module_v[0-9]+$")
    message(FATAL_ERROR "${DRIVER} exports ${symbol}: a driver exports davit_module_v0 alone")
  endif()
  list(APPEND found ${symbol})
endforeach()
if(NOT found)
  message(FATAL_ERROR "${DRIVER} exports no davit_module_v0")
endif()

read_elf(dynamic -d -W ${DRIVER})
if(NOT SANITIZE AND dynamic MATCHES "NEEDED[^\n]*(libstdc\\+\\+|libgcc_s)")
  message(FATAL_ERROR "${DRIVER} needs a shared C++ runtime: link it with -static-libstdc++ -static-libgcc")
endif()
if(dynamic MATCHES "TEXTREL")
  message(FATAL_ERROR "${DRIVER} has text relocations: compile it as position independent code")
endif()
if(NOT dynamic MATCHES "BIND_NOW|FLAGS_1[^\n]*NOW")
  message(FATAL_ERROR "${DRIVER} binds lazily: link it with -z now")
endif()

file(COPY_FILE ${DRIVER} ${SCRATCH})
execute_process(COMMAND ${STRIP} --strip-all ${SCRATCH} COMMAND_ERROR_IS_FATAL ANY)
read_elf(notes -n -W ${SCRATCH})
file(REMOVE ${SCRATCH})
if(NOT notes MATCHES "davit +0x[0-9a-f]+[^\n]*0x64617601")
  message(FATAL_ERROR "${DRIVER} has no manifest after strip:\n${notes}")
endif()
