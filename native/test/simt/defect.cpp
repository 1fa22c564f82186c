#include "defect.h"

namespace coolsd::simt {

Defect::Defect(Kind kind, const std::string& text)
    : std::runtime_error(std::string(name(kind)) + ": " + text), kind_(kind) {}

const char* Defect::name(Kind kind) noexcept {
  switch (kind) {
    case Kind::out_of_bounds_global:
      return "out of bounds (global)";
    case Kind::out_of_bounds_shared:
      return "out of bounds (shared)";
    case Kind::misaligned:
      return "misaligned access";
    case Kind::read_only:
      return "store to read-only buffer";
    case Kind::uninitialised_shared:
      return "uninitialised shared memory";
    case Kind::uninitialised_global:
      return "uninitialised global memory";
    case Kind::shared_race:
      return "shared-memory race";
    case Kind::global_race:
      return "global-memory race";
    case Kind::missing_fence:
      return "missing fence";
    case Kind::barrier_divergence:
      return "barrier divergence";
    case Kind::warp_divergence:
      return "warp divergence";
    case Kind::deadlock:
      return "deadlock";
    case Kind::unchecked_shared_store:
      return "unchecked shared store";
  }
  return "?";
}

}  // namespace coolsd::simt
