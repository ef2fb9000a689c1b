# Warnings and sanitizers of every target of ours. Third-party headers come in as SYSTEM and stay quiet.
add_compile_options("$<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:-Wall;-Wextra;-Wno-unused-parameter;-Wno-missing-field-initializers>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
endif()
if(PLUMBLINE_SANITIZE)
  add_compile_options("$<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:-fsanitize=${PLUMBLINE_SANITIZE};-fno-omit-frame-pointer>")
  add_link_options(-fsanitize=${PLUMBLINE_SANITIZE})
endif()
