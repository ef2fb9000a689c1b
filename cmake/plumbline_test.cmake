# plumbline_add_test(NAME <name> LABEL unit|torch|integration|gpu SOURCES <files> LIBS <targets> [TIMEOUT <seconds>])
#
# One GoogleTest binary and one CTest entry. Tests run from the repository root and find reference data and the oracles'
# Python through PLUMBLINE_SHARED_DATA and PLUMBLINE_ORACLE_PYTHON; where those are missing a test skips and says so.
function(plumbline_add_test)
  cmake_parse_arguments(T "" "NAME;LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT T_LABEL MATCHES "^(unit|torch|integration|gpu)$")
    message(FATAL_ERROR "plumbline_add_test(${T_NAME}): LABEL must be unit, torch, integration or gpu, got '${T_LABEL}'")
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_executable(${T_NAME} ${T_SOURCES})
  target_link_libraries(${T_NAME} PRIVATE ${T_LIBS} plumbline_test_support GTest::gmock GTest::gtest GTest::gtest_main)
  set_target_properties(${T_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${T_NAME} COMMAND ${T_NAME} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "PLUMBLINE_BIN_DIR=${CMAKE_BINARY_DIR}/bin")
endfunction()
