#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "coolsd.h"

namespace {

coolsd_sampling plain() { return {sizeof(coolsd_sampling), 1, 1, 0, 1, 0, 0}; }

/* A verifier with one batch of random logits around it. */
struct Case {
  Case(int32_t vocab, std::vector<float> weights, int32_t batch_size = 1)
      : v(vocab), l(static_cast<int32_t>(weights.size())), omega(std::move(weights)), batch(batch_size) {
    spec = {sizeof spec, COOLSD_CPU, v, l, omega.data(), plain(), plain(), nullptr};
    target.resize(size(batch * (l + 1) * v));
    draft.resize(size(batch * l * v));
    for (size_t i = 0; i < target.size(); ++i) target[i] = std::sin(static_cast<float>(i * i % 997));
    for (size_t i = 0; i < draft.size(); ++i) draft[i] = std::cos(static_cast<float>(i * i % 991));
    draft_tokens.assign(size(batch * l), 1);
    tokens.resize(size(batch * (l + 1)));
    accepted.resize(size(batch));
    status.resize(size(batch));
    drift.resize(size(batch * l));
    for (int32_t b = 0; b < batch; ++b) {
      seeds.push_back(static_cast<uint64_t>(b) + 7);
      positions.push_back(static_cast<uint64_t>(b) * 3);
    }
  }
  ~Case() { coolsd_verifier_destroy(verifier); }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  static size_t size(int32_t n) { return static_cast<size_t>(n); }

  coolsd_status open() { return coolsd_verifier_create(&spec, &verifier); }

  coolsd_status verify() {
    args = {sizeof args,
            batch,
            {target.data(), int64_t{l + 1} * v, v, COOLSD_F32},
            {nullptr, 0, 0, 0},
            {draft.data(), int64_t{l} * v, v, COOLSD_F32},
            {nullptr, 0, 0, 0},
            draft_tokens.data(),
            nullptr,
            seeds.data(),
            positions.data(),
            tokens.data(),
            accepted.data(),
            status.data(),
            nullptr,
            drift.data(),
            nullptr,
            nullptr};
    return coolsd_verify(verifier, &args);
  }

  int32_t v, l;
  std::vector<float> omega;
  int32_t batch;
  coolsd_verifier_spec spec;
  coolsd_verify_args args;
  coolsd_verifier* verifier = nullptr;
  std::vector<float> target, draft;
  std::vector<int32_t> draft_tokens, tokens, accepted, status;
  std::vector<double> drift;
  std::vector<uint64_t> seeds, positions;
};

TEST(Abi, EverySequenceEndsInOneDrawnToken) {
  Case c(11, {1, 1, 1}, 50);
  ASSERT_EQ(c.open(), COOLSD_OK);
  ASSERT_EQ(c.verify(), COOLSD_OK);
  for (int32_t b = 0; b < c.batch; ++b) {
    ASSERT_EQ(c.status[Case::size(b)], COOLSD_ROW_OK);
    const int32_t n = c.accepted[Case::size(b)];
    for (int32_t i = 0; i <= c.l; ++i) {
      const int32_t token = c.tokens[Case::size(b * (c.l + 1) + i)];
      if (i < n) {
        EXPECT_EQ(token, 1);
      } else if (i == n) {
        EXPECT_TRUE(token >= 0 && token < c.v);
      } else {
        EXPECT_EQ(token, -1);
      }
    }
  }
}

TEST(Abi, EqualDistributionsAcceptEverything) {
  Case c(17, {1, 1, 1, 1}, 20);
  for (int32_t b = 0; b < c.batch; ++b) {
    std::memcpy(&c.draft[Case::size(b * c.l * c.v)], &c.target[Case::size(b * (c.l + 1) * c.v)],
                sizeof(float) * Case::size(c.l * c.v));
  }
  ASSERT_EQ(c.open(), COOLSD_OK);
  ASSERT_EQ(c.verify(), COOLSD_OK);
  for (int32_t n : c.accepted) EXPECT_EQ(n, c.l);
}

TEST(Abi, ABadRowLeavesItsNeighboursAlone) {
  Case good(13, {1.5f, 0.5f}, 3);
  ASSERT_EQ(good.open(), COOLSD_OK);
  ASSERT_EQ(good.verify(), COOLSD_OK);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const struct {
    float value;
    coolsd_row_status status;
    bool row;
  } bad[] = {{nan, COOLSD_ROW_NAN, false}, {inf, COOLSD_ROW_INFINITE, false}, {-inf, COOLSD_ROW_EMPTY, true}};
  for (const auto& b : bad) {
    Case c(13, {1.5f, 0.5f}, 3);
    float* row = &c.target[Case::size(1 * (c.l + 1) * c.v)];
    for (int32_t i = 0; i < (b.row ? c.v : 1); ++i) row[i] = b.value;
    ASSERT_EQ(c.open(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    EXPECT_EQ(c.status, (std::vector<int32_t>{COOLSD_ROW_OK, b.status, COOLSD_ROW_OK}));
    for (int32_t i = 0; i < 3 * (c.l + 1); ++i) {
      const bool second = i / (c.l + 1) == 1;
      EXPECT_EQ(c.tokens[Case::size(i)], second ? -1 : good.tokens[Case::size(i)]);
    }
  }
}

TEST(Abi, DraftTokensOutOfRangeHaveAStatus) {
  for (int32_t token : {-1, 13, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
    Case c(13, {1, 1});
    c.draft_tokens[1] = token;
    ASSERT_EQ(c.open(), COOLSD_OK);
    ASSERT_EQ(c.verify(), COOLSD_OK);
    EXPECT_EQ(c.status[0], COOLSD_ROW_TOKEN_OUT_OF_RANGE);
    EXPECT_EQ(c.tokens[0], -1);
  }
}

TEST(Abi, BadArgumentsAreNamedWithTheirValue) {
  Case c(13, {1, -0.5f});
  EXPECT_EQ(c.open(), COOLSD_INVALID_ARGUMENT);
  EXPECT_STREQ(coolsd_last_error(), "spec.omega[1] is -0.5, it must be finite and at least 0");
  c.omega[1] = 1;
  c.spec.target.temperature = -1;
  EXPECT_EQ(c.open(), COOLSD_INVALID_ARGUMENT);
  EXPECT_STREQ(coolsd_last_error(), "spec.target.temperature is -1, it must be finite and at least 0");
  c.spec.target = plain();
  c.spec.vocab = 1;
  EXPECT_EQ(c.open(), COOLSD_INVALID_ARGUMENT);
  EXPECT_STREQ(coolsd_last_error(), "spec.vocab is 1, it must be 2..1048576");
  c.spec.vocab = 13;
  c.spec.backend = COOLSD_CUDA;
  EXPECT_EQ(c.open(), COOLSD_NO_BACKEND);
  EXPECT_STREQ(coolsd_last_error(), "this build of coolsd has no CUDA backend");
}

}  // namespace
