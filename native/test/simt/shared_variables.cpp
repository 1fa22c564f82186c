#include "shared_variables.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace coolsd::simt {
namespace {

struct Segment {
  uintptr_t base = 0;
  std::size_t bytes = 0;
};

/*
 * The thread-local segment of the executable itself, the first module that dl_iterate_phdr reports; none if the executor is
 * part of a shared library, whose kernels have dynamic shared memory only.
 */
Segment segment() {
  Segment found;
  dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void* result) {
        const auto here = reinterpret_cast<uintptr_t>(&segment);
        bool mine = false;
        for (int i = 0; i < module->dlpi_phnum; ++i) {
          const auto& part = module->dlpi_phdr[i];
          mine = mine || (part.p_type == PT_LOAD && here - (module->dlpi_addr + part.p_vaddr) < part.p_memsz);
        }
        if (!mine) return 1;
        for (int i = 0; i < module->dlpi_phnum; ++i) {
          if (module->dlpi_phdr[i].p_type == PT_TLS) {
            *static_cast<Segment*>(result) = {reinterpret_cast<uintptr_t>(module->dlpi_tls_data),
                                              module->dlpi_phdr[i].p_memsz};
          }
        }
        return 1;
      },
      &found);
  return found;
}

/* Offsets that COOLSD_SIMT_DYNAMIC_SHARED announced before main. */
std::vector<std::size_t>& dynamic_offsets() {
  static std::vector<std::size_t> offsets;
  return offsets;
}

std::string readable(const char* symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  std::string name = status == 0 ? text : symbol;
  std::free(text);
  return name;
}

template <typename T>
T part(const std::vector<char>& file, std::size_t offset) {
  T value;
  if (offset > file.size() || file.size() - offset < sizeof(T)) throw std::runtime_error("/proc/self/exe: damaged ELF");
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

}  // namespace

DynamicShared::DynamicShared(const void* array) {
  dynamic_offsets().push_back(reinterpret_cast<uintptr_t>(array) - segment().base);
}

SharedVariables& SharedVariables::of_this_program() {
  static SharedVariables variables;
  return variables;
}

SharedVariables::SharedVariables() {
  attach();
  at_.assign(bytes_, 0);
  if (bytes_ == 0) return;
  read_symbols();
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    SharedVariable& variable = variables_[i];
    const auto& dynamic = dynamic_offsets();
    variable.dynamic = std::find(dynamic.begin(), dynamic.end(), variable.address) != dynamic.end();
    for (std::size_t byte = 0; byte < variable.bytes; ++byte) {
      at_.at(variable.address + byte) = static_cast<uint16_t>(i + 1);
    }
    if (variable.dynamic) continue;
    variable.storage = storage_bytes_;
    storage_bytes_ += (variable.bytes + 15) / 16 * 16;
  }
}

void SharedVariables::attach() {
  const Segment now = segment();
  base_ = now.base;
  bytes_ = now.bytes;
}

void SharedVariables::read_symbols() {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::vector<char> file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const auto header = part<Elf64_Ehdr>(file, 0);
  for (std::size_t s = 0; s < header.e_shnum; ++s) {
    const auto section = part<Elf64_Shdr>(file, header.e_shoff + s * header.e_shentsize);
    if (section.sh_type != SHT_SYMTAB) continue;
    const auto names = part<Elf64_Shdr>(file, header.e_shoff + section.sh_link * header.e_shentsize);
    for (std::size_t at = section.sh_offset; at < section.sh_offset + section.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = part<Elf64_Sym>(file, at);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_TLS || symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0) continue;
      SharedVariable variable;
      variable.name = readable(file.data() + names.sh_offset + symbol.st_name);
      variable.address = symbol.st_value;
      variable.bytes = symbol.st_size;
      variables_.push_back(variable);
    }
    return;
  }
  throw std::runtime_error("the executable has no symbol table: do not strip tests that use __shared__ variables");
}

std::vector<unsigned char> SharedVariables::snapshot() const {
  const auto* bytes = reinterpret_cast<const unsigned char*>(base_);
  return std::vector<unsigned char>(bytes, bytes + bytes_);
}

const SharedVariable* SharedVariables::restore(const std::vector<unsigned char>& snapshot) const {
  const SharedVariable* changed = nullptr;
  for (const SharedVariable& variable : variables_) {
    auto* now = reinterpret_cast<unsigned char*>(address(variable));
    const unsigned char* before = snapshot.data() + variable.address;
    if (std::memcmp(now, before, variable.bytes) == 0) continue;
    std::memcpy(now, before, variable.bytes);
    changed = &variable;
  }
  return changed;
}

}  // namespace coolsd::simt
