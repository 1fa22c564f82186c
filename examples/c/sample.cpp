/* From C++: draws three tokens from one row of logits, and shows what an error is. */
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <coolsd.h>
#include <coolsd_version.h>

namespace {

void check(coolsd_status status) {
  if (status != COOLSD_OK) throw std::runtime_error(coolsd_last_error());
}

struct Destroy {
  void operator()(coolsd_verifier* verifier) const { coolsd_verifier_destroy(verifier); }
};

}  // namespace

int main() try {
  if (coolsd_version() != COOLSD_VERSION) throw std::runtime_error("header and library are of two versions");
  const std::vector<float> logits = {0, 1, 2, 3, 2, 1, 0, -1};
  const auto vocab = static_cast<std::int32_t>(logits.size());

  coolsd_verifier_spec spec = {};
  spec.struct_size = sizeof spec;
  spec.backend = COOLSD_CPU;
  spec.vocab = vocab;
  coolsd_sampling_init(&spec.target);
  coolsd_sampling_init(&spec.draft);
  coolsd_verifier* created = nullptr;
  check(coolsd_verifier_create(&spec, &created));
  const std::unique_ptr<coolsd_verifier, Destroy> verifier(created);

  const std::uint64_t seed = 7;
  for (std::uint64_t position = 0; position < 3; ++position) {
    std::int32_t token = -1, status = -1;
    coolsd_sample_args args = {};
    args.struct_size = sizeof args;
    args.batch = 1;
    args.logits = {logits.data(), vocab, vocab, COOLSD_F32};
    args.purpose = COOLSD_BONUS;
    args.seeds = &seed;
    args.positions = &position;
    args.tokens = &token;
    args.status = &status;
    check(coolsd_sample(verifier.get(), &args));
    if (status != COOLSD_ROW_OK) throw std::runtime_error("row status " + std::to_string(status));
    std::cout << token << '\n';
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
