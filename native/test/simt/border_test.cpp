/* The host side of the CUDA backend on a device that says what it is asked to: what is refused, and how inputs travel.
 */
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "coolsd.h"
#include "cuda/cuda_verifier.h"
#include "simt_device.h"

namespace coolsd::simt {
namespace {

/* What the test says of the device, and what the device was asked. */
struct Story {
  Device::Size size{4, 2};
  const char* allocation = nullptr;     /* why it fails */
  const char* launching = nullptr;      /* likewise */
  bool captured = false;                /* whether a graph captures every stream */
  std::map<const void*, bool> pageable; /* addresses of host memory */
  int asked = 0, uploads = 0;           /* about addresses; in a stream */
};

class ToldDevice : public SimtDevice {
 public:
  explicit ToldDevice(Story& story) : story_(story) {}

  Size size() const override { return story_.size; }
  const char* allocate(size_t bytes, void** memory) override {
    return story_.allocation != nullptr ? story_.allocation : SimtDevice::allocate(bytes, memory);
  }
  const char* usable(const void* memory) override {
    ++story_.asked;
    return story_.pageable.count(memory) != 0 ? "host memory that is not registered with CUDA" : nullptr;
  }
  const char* captured(void*, bool* captured) override {
    *captured = story_.captured;
    return nullptr;
  }
  const char* queue_upload(void* to, const void* from, size_t bytes, void* stream) override {
    ++story_.uploads;
    return SimtDevice::queue_upload(to, from, bytes, stream);
  }
  const char* verify(const VerifyParameters& parameters, int blocks, void* stream) override {
    return story_.launching != nullptr ? story_.launching : SimtDevice::verify(parameters, blocks, stream);
  }

 private:
  Story& story_;
};

/* A step with every small input there is, and every output. */
class Border : public testing::Test {
 protected:
  static constexpr int kVocab = 300, kLength = 3;

  coolsd_status open(int rule = COOLSD_RULE_RELAXED, int factors = COOLSD_FACTORS_GIVEN) {
    coolsd_verifier_spec spec{sizeof spec, COOLSD_CUDA, kVocab, kLength, omega_, {}, {}, nullptr, 0};
    coolsd_sampling_init(&spec.target);
    coolsd_sampling_init(&spec.draft);
    spec.rule = rule;
    spec.factors = factors;
    verifier_ = std::make_unique<CudaVerifier>(spec, std::make_unique<ToldDevice>(story_));
    return verifier_->prepare();
  }

  coolsd_verify_args step(int batch) {
    const size_t b = static_cast<size_t>(batch), drafted = b * kLength, out = b * (kLength + 1);
    logits_.resize(2 * out * kVocab);
    for (size_t i = 0; i < logits_.size(); ++i) logits_[i] = static_cast<float>(i * 2654435761u % 1000) * 0.004f;
    coolsd_sampling s;
    coolsd_sampling_init(&s);
    samplings_.assign(b, s);
    for (size_t i = 0; i < b; ++i) {
      samplings_[i].temperature = 0.5f + 0.1f * static_cast<float>(i);
      samplings_[i].window_lo = static_cast<int32_t>(i);
      samplings_[i].window_hi = kVocab;
    }
    draft_tokens_.assign(drafted, 7);
    lengths_.assign(b, kLength);
    seeds_.assign(b, 11);
    positions_.assign(b, 13);
    factors_.assign(drafted, 1.5f);
    offsets_.clear();
    for (size_t i = 0; i < b; ++i) offsets_.push_back(static_cast<int64_t>(i * (kLength + 1) * kVocab));
    normalisers_.assign(drafted, {0, 0, 0, 0, 0});
    tokens_.assign(out, -7);
    accepted_.assign(b, -7);
    status_.assign(b, -7);
    drift_.assign(drafted, -7);
    ratio_.assign(out, -7);
    log_prob_.assign(out, -7);
    used_.assign(drafted, -7);
    coolsd_verify_args a{sizeof a, batch};
    a.target = {logits_.data(), 0, kVocab, COOLSD_F32};
    a.draft = {logits_.data() + out * kVocab, 0, kVocab, COOLSD_F32};
    a.draft_tokens = draft_tokens_.data();
    a.draft_lengths = lengths_.data();
    a.seeds = seeds_.data();
    a.positions = positions_.data();
    a.tokens = tokens_.data();
    a.accepted = accepted_.data();
    a.status = status_.data();
    a.drift = drift_.data();
    a.ratio = ratio_.data();
    a.log_prob = log_prob_.data();
    a.factors = used_.data();
    a.omega = factors_.data();
    a.target_sampling = samplings_.data();
    a.draft_sampling = samplings_.data();
    a.target_offsets = offsets_.data();
    a.draft_offsets = offsets_.data();
    return a;
  }

  /* All outputs, as bytes. */
  std::string outputs() const {
    std::string all;
    const auto add = [&](const auto& v) {
      all.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof v[0]);
    };
    add(tokens_), add(accepted_), add(status_), add(drift_), add(ratio_), add(log_prob_), add(used_);
    return all;
  }

  Story story_;
  float omega_[kLength] = {2, 1, 0.5f};
  std::unique_ptr<CudaVerifier> verifier_;
  std::vector<float> logits_, factors_, used_;
  std::vector<coolsd_sampling> samplings_;
  std::vector<int32_t> draft_tokens_, lengths_, tokens_, accepted_, status_;
  std::vector<uint64_t> seeds_, positions_;
  std::vector<int64_t> offsets_;
  std::vector<coolsd_normaliser> normalisers_;
  std::vector<double> drift_, ratio_, log_prob_;
};

TEST_F(Border, RefusesADeviceWithoutRoomForABlock) {
  for (const Device::Size size : {Device::Size{0, 2}, Device::Size{4, 0}}) {
    story_.size = size;
    EXPECT_EQ(open(), COOLSD_NO_BACKEND);
    const std::string words = coolsd_last_error();
    EXPECT_NE(words.find(std::to_string(size.multiprocessors) + " multiprocessors"), std::string::npos) << words;
    EXPECT_NE(words.find(std::to_string(size.blocks_each) + " blocks"), std::string::npos) << words;
  }
}

TEST_F(Border, PassesOnTheDevicesWords) {
  story_.allocation = "cudaMalloc at cuda_device.cu:1: out of memory";
  EXPECT_EQ(open(), COOLSD_OUT_OF_MEMORY);
  EXPECT_NE(std::string(coolsd_last_error()).find(story_.allocation), std::string::npos) << coolsd_last_error();
  story_.allocation = nullptr;
  ASSERT_EQ(open(), COOLSD_OK);
  story_.launching = "cudaLaunchCooperativeKernel at cuda_device.cu:2: too many blocks";
  EXPECT_EQ(verifier_->verify(step(1)), COOLSD_DEVICE_FAILED);
  EXPECT_EQ(std::string(coolsd_last_error()), std::string("verify: ") + story_.launching);
}

TEST_F(Border, RefusesWhatIsNotAlignedToItsElement) {
  ASSERT_EQ(open(), COOLSD_OK);
  const auto refused = [&](const coolsd_verify_args& a, const std::string& name) {
    EXPECT_EQ(verifier_->verify(a), COOLSD_INVALID_ARGUMENT) << name;
    EXPECT_EQ(std::string(coolsd_last_error()).rfind(name + " is 0x", 0), 0u) << coolsd_last_error();
    EXPECT_NE(std::string(coolsd_last_error()).find("aligned"), std::string::npos) << coolsd_last_error();
  };
  for (const int dtype : {COOLSD_F32, COOLSD_F16, COOLSD_BF16}) {
    coolsd_verify_args good = step(1);
    const char* odd = reinterpret_cast<const char*>(logits_.data()) + (dtype == COOLSD_F32 ? 2 : 1);
    good.target.dtype = good.draft.dtype = dtype;
    good.target_uncond = good.target;
    good.draft_uncond = good.draft;
    coolsd_verify_args a = good;
    a.target.data = odd;
    refused(a, "args.target.data");
    a = good;
    a.target_uncond.data = odd;
    refused(a, "args.target_uncond.data");
    a = good;
    a.draft.data = odd;
    refused(a, "args.draft.data");
    a = good;
    a.draft_uncond.data = odd;
    refused(a, "args.draft_uncond.data");
  }
  coolsd_verify_args a = step(1);
  a.seeds = reinterpret_cast<const uint64_t*>(reinterpret_cast<const char*>(seeds_.data()) + 4);
  refused(a, "args.seeds");
  coolsd_sample_args s{sizeof s, 1};
  s.logits = {reinterpret_cast<const char*>(logits_.data()) + 1, kVocab, kVocab, COOLSD_BF16};
  s.purpose = COOLSD_BONUS;
  s.seeds = seeds_.data();
  s.positions = positions_.data();
  s.tokens = tokens_.data();
  s.status = status_.data();
  EXPECT_EQ(verifier_->sample(s), COOLSD_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(coolsd_last_error()).rfind("args.logits.data is 0x", 0), 0u) << coolsd_last_error();
}

TEST_F(Border, RefusesHostMemoryByName) {
  ASSERT_EQ(open(), COOLSD_OK);
  coolsd_verify_args a = step(2);
  a.target_uncond = a.target;
  const std::map<std::string, const void*> all = {{"args.target.data", a.target.data},
                                                  {"args.draft.data", a.draft.data},
                                                  {"args.seeds", a.seeds},
                                                  {"args.positions", a.positions},
                                                  {"args.draft_lengths", a.draft_lengths},
                                                  {"args.draft_tokens", a.draft_tokens},
                                                  {"args.omega", a.omega},
                                                  {"args.target_sampling", a.target_sampling},
                                                  {"args.target_offsets", a.target_offsets},
                                                  {"args.tokens", a.tokens},
                                                  {"args.accepted", a.accepted},
                                                  {"args.status", a.status},
                                                  {"args.drift", a.drift},
                                                  {"args.ratio", a.ratio},
                                                  {"args.log_prob", a.log_prob},
                                                  {"args.factors", a.factors}};
  for (const auto& [name, memory] : all) {
    ASSERT_EQ(open(), COOLSD_OK); /* which knows no addresses yet */
    story_.pageable = {{memory, true}};
    EXPECT_EQ(verifier_->verify(a), COOLSD_INVALID_ARGUMENT) << name;
    const std::string words = coolsd_last_error();
    EXPECT_EQ(words.rfind(name + " is 0x", 0), 0u) << words;
    EXPECT_NE(words.find("not registered"), std::string::npos) << words;
  }
}

/* Which costs a call to the driver. */
TEST_F(Border, AsksAboutAnAddressOnce) {
  ASSERT_EQ(open(), COOLSD_OK);
  const coolsd_verify_args a = step(1);
  ASSERT_EQ(verifier_->verify(a), COOLSD_OK) << coolsd_last_error();
  const int first = story_.asked;
  EXPECT_GE(first, 10);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(verifier_->verify(a), COOLSD_OK) << coolsd_last_error();
  /* Two addresses may share a place. */
  EXPECT_LT(story_.asked - first, 5 * first / 2);
  story_.asked = 0;
  ASSERT_EQ(verifier_->unregister_host(seeds_.data()), COOLSD_OK);
  ASSERT_EQ(verifier_->verify(a), COOLSD_OK);
  EXPECT_EQ(story_.asked, first);
}

/* Inputs on the host are never looked at by the device: in the parameters while they fit, else in one transfer. */
TEST_F(Border, InputsFromTheHostTravelInTheParametersOrInOneTransfer) {
  for (const int rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    for (const int batch : {1, 3, 8, 40}) {
      ASSERT_EQ(open(rule), COOLSD_OK);
      coolsd_verify_args a = step(batch);
      ASSERT_EQ(verifier_->verify(a), COOLSD_OK) << coolsd_last_error();
      const std::string expected = outputs();
      EXPECT_GT(SimtDevice::log.back().buffers.at("seeds").loaded, 0u);

      a = step(batch);
      a.inputs_on_host = 1;
      for (const void* p : {static_cast<const void*>(a.seeds), static_cast<const void*>(a.positions),
                            static_cast<const void*>(a.draft_tokens), static_cast<const void*>(a.draft_lengths),
                            static_cast<const void*>(a.omega), static_cast<const void*>(a.target_sampling),
                            static_cast<const void*>(a.target_offsets)}) {
        story_.pageable[p] = true;
      }
      story_.uploads = 0;
      ASSERT_EQ(verifier_->verify(a), COOLSD_OK) << coolsd_last_error();
      EXPECT_EQ(outputs(), expected) << batch;
      EXPECT_EQ(story_.uploads, batch > 8 ? 1 : 0) << batch;
      const auto& buffers = SimtDevice::log.back().buffers;
      EXPECT_EQ(buffers.count("seeds"), batch > 8 ? 1u : 0u) << batch;
      EXPECT_EQ(buffers.count("target_sampling"), batch > 8 ? 1u : 0u) << batch;
      story_.pageable.clear();
    }
  }
}

TEST_F(Border, RefusesInputsFromTheHostInACapturedStream) {
  ASSERT_EQ(open(), COOLSD_OK);
  coolsd_verify_args a = step(1);
  story_.captured = true;
  EXPECT_EQ(verifier_->verify(a), COOLSD_OK) << coolsd_last_error();
  a.inputs_on_host = 1;
  EXPECT_EQ(verifier_->verify(a), COOLSD_INVALID_ARGUMENT);
  EXPECT_NE(std::string(coolsd_last_error()).find("graph"), std::string::npos) << coolsd_last_error();
}

}  // namespace
}  // namespace coolsd::simt
