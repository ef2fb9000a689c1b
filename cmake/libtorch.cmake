# plumbline_libtorch: the imported target over libtorch_cpu.so and libc10.so.
#
# Not find_package(Torch): that wants a CUDA toolkit because PyPI's wheel is a CUDA build, and libtorch.so drags all of
# CUDA in. libtorch_cpu.so itself needs only libc10, libgomp, libcudart and libcupti, which scripts/setup unpacks beside it.
if(PLUMBLINE_TORCH_DIR)
  set(_torch_dir ${PLUMBLINE_TORCH_DIR})
else()
  if(DEFINED ENV{PLUMBLINE_TORCH_DIR})
    set(_torch_dir $ENV{PLUMBLINE_TORCH_DIR})
  elseif(DEFINED ENV{PLUMBLINE_CACHE})
    set(_torch_dir $ENV{PLUMBLINE_CACHE}/libtorch-2.11.0/torch)
  else()
    set(_torch_dir $ENV{HOME}/.cache/plumbline/libtorch-2.11.0/torch)
  endif()
endif()
if(NOT EXISTS ${_torch_dir}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "no LibTorch in ${_torch_dir}: run scripts/setup, or give -DPLUMBLINE_TORCH_DIR=<folder with lib/ and include/>, "
    "or use the no-torch preset")
endif()
message(STATUS "LibTorch: ${_torch_dir}")

add_library(plumbline_libtorch INTERFACE)
target_include_directories(plumbline_libtorch SYSTEM INTERFACE ${_torch_dir}/include)
target_link_directories(plumbline_libtorch INTERFACE ${_torch_dir}/lib)
target_link_options(plumbline_libtorch INTERFACE "LINKER:-rpath,${_torch_dir}/lib")
# The CUDA libraries libtorch_cpu.so names are found by its own RPATH at run time, not by ours at link time.
target_link_options(plumbline_libtorch INTERFACE "LINKER:--allow-shlib-undefined")
target_link_libraries(plumbline_libtorch INTERFACE ${_torch_dir}/lib/libtorch_cpu.so ${_torch_dir}/lib/libc10.so)
