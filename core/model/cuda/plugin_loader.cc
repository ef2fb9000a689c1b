#include "core/model/cuda/plugin_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace plumbline::cuda {
namespace {

constexpr char kLibrary[] = "libplumbline_cuda.so";

std::string ProgramFolder() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  const std::string program(path, size > 0 ? static_cast<size_t>(size) : 0);
  return program.substr(0, program.rfind('/'));
}

// Never unloaded: its devices' code must outlive them, and it is wanted again at the next load.
absl::StatusOr<void*> LoadLibrary() {
  std::vector<std::string> places;
  if (const char* given = std::getenv("PLUMBLINE_CUDA_PLUGIN")) {
    places = {given};
  } else {
    const std::string folder = ProgramFolder();
    for (const char* below : {"/", "/../bin/", "/../lib/"}) {
      places.push_back(absl::StrCat(folder, below, kLibrary));
    }
  }
  for (const std::string& place : places) {
    if (access(place.c_str(), R_OK) != 0) continue;
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) return library;
    return absl::FailedPreconditionError(absl::StrCat("cannot load ", place, ": ", dlerror()));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("this build has no CUDA engine: ", kLibrary, " is not at ", places[0],
                   "; build the cuda preset (scripts/setup cuda) and install it there, set "
                   "PLUMBLINE_CUDA_PLUGIN to its path, or use --device cpu"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Device>> OpenDevice(int ordinal) {
  const absl::StatusOr<void*> library = LoadLibrary();
  if (!library.ok()) return library.status();
  auto* const open =
      reinterpret_cast<PlumblineCudaOpenFunction*>(dlsym(*library, "PlumblineCudaOpenDevice"));
  if (open == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(kLibrary, " is not Plumbline's"));
  }
  char error[1024] = "";
  std::unique_ptr<Device> device(open(kPluginVersion, ordinal, error, sizeof(error)));
  if (device == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("cannot use GPU ", ordinal, ": ", error));
  }
  return device;
}

}  // namespace plumbline::cuda
