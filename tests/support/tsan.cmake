# plumbline_tsan_mutexes(<target>): under the tsan preset, makes absl::Mutex known to ThreadSanitizer in this binary
# (tests/support/tsan_absl_mutex.cc says why). Does nothing otherwise.
function(plumbline_tsan_mutexes target)
  if(NOT PLUMBLINE_SANITIZE MATCHES "thread")
    return()
  endif()
  target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/tsan_absl_mutex.cc)
  foreach(symbol 4LockEv 6UnlockEv 8LockWhenERKNS0_9ConditionE 5AwaitERKNS0_9ConditionE
      16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)
    target_link_options(${target} PRIVATE "LINKER:--wrap=_ZN4absl7debian35Mutex${symbol}")
  endforeach()
endfunction()
