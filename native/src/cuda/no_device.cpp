/* The device of a build without nvcc: none. */
#include "device.h"

namespace coolsd {

const char* Device::why_not() { return "this build of coolsd has no CUDA backend"; }

std::unique_ptr<Device> Device::open(int, const char** error) {
  *error = why_not();
  return nullptr;
}

}  // namespace coolsd
