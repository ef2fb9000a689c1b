# Enables CUDA with the nvcc that `scripts/setup cuda` fetched, or with CMAKE_CUDA_COMPILER if that is given.
#
# One binary code per architecture named here and PTX for later ones. The runtime is linked statically into libplumbline_cuda.so, which is
# the only thing built by nvcc: nothing else links, or needs at run time, any NVIDIA library.
set(PLUMBLINE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "GPU architectures (CMAKE_CUDA_ARCHITECTURES): 80 is A100, 90 is H100 and H200")
set(CMAKE_CUDA_ARCHITECTURES ${PLUMBLINE_CUDA_ARCHITECTURES})
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  if(DEFINED ENV{PLUMBLINE_CACHE})
    set(_cuda_root $ENV{PLUMBLINE_CACHE}/cuda-13.0.88)
  else()
    set(_cuda_root $ENV{HOME}/.cache/plumbline/cuda-13.0.88)
  endif()
  if(NOT EXISTS ${_cuda_root}/nvidia/cu13/bin/nvcc)
    message(FATAL_ERROR "no nvcc in ${_cuda_root}: run `scripts/setup cuda`, or give -DCMAKE_CUDA_COMPILER=<nvcc>, or use the release preset")
  endif()
  set(CMAKE_CUDA_COMPILER ${_cuda_root}/nvidia/cu13/bin/nvcc CACHE FILEPATH "nvcc")
endif()
set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
# CMake 3.25 does not know this flag of nvcc.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
