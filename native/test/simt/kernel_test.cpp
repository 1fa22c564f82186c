/* The kernels on the SIMT executor against the CPU backend: decisions, reports, status, traffic, any grid and schedule.
 */
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "coolsd.h"
#include "simt_device.h"

namespace coolsd::simt {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/* Logits [batch, rows, V] of any element type, at an odd element of their memory and with gaps between rows. */
class Rows {
 public:
  Rows(int dtype, int batch, int rows, int vocab, int gap, int offset)
      : dtype_(dtype), rows_(rows), vocab_(vocab), stride_(vocab + gap), offset_(offset) {
    const size_t count = static_cast<size_t>(batch) * static_cast<size_t>(rows) * static_cast<size_t>(stride_);
    memory_.resize((count + static_cast<size_t>(offset)) * size() + 16);
  }

  size_t size() const { return dtype_ == COOLSD_F32 ? 4 : 2; }
  coolsd_logits view() const {
    return {memory_.data() + static_cast<size_t>(offset_) * size(), int64_t{rows_} * stride_, stride_, dtype_};
  }
  /* The nearest value that the type has, towards zero. */
  void set(int b, int i, int v, float x) {
    const auto at = static_cast<size_t>((int64_t{b} * rows_ + i) * stride_ + v + offset_) * size();
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    if (dtype_ == COOLSD_F32) {
      std::memcpy(memory_.data() + at, &bits, 4);
      return;
    }
    uint16_t narrow = static_cast<uint16_t>(bits >> 16);
    if (dtype_ == COOLSD_F16) {
      const uint32_t exponent = (bits >> 23) & 255;
      const uint32_t sign = (bits >> 16) & 0x8000u;
      if (exponent == 255)
        narrow = static_cast<uint16_t>(sign | 0x7c00u | ((bits & 0x7fffffu) ? 0x200u : 0));
      else if (exponent < 113)
        narrow = static_cast<uint16_t>(sign);
      else if (exponent > 142)
        narrow = static_cast<uint16_t>(sign | 0x7bffu);
      else
        narrow = static_cast<uint16_t>(sign | ((exponent - 112) << 10) | ((bits >> 13) & 0x3ffu));
    }
    std::memcpy(memory_.data() + at, &narrow, 2);
  }

 private:
  int dtype_, rows_, vocab_, stride_, offset_;
  std::vector<char> memory_;
};

struct Outcome {
  std::vector<int32_t> tokens, accepted, status;
  std::vector<double> drift, ratio, log_prob, draft_log_prob;
  std::vector<float> factors;
};

/* How a case is verified. */
struct Way {
  bool normalisers = false, reports = false;
  const coolsd_lantern* lantern = nullptr;
  int rule = COOLSD_RULE_BY_POINTER, factors = COOLSD_FACTORS_GIVEN;
  float affine = 0, budget = 0;
  /* The call's own, for every sequence another. */
  bool own_factors = false, own_samplings = false, own_offsets = false;
  bool inputs_on_host = false; /* of the CUDA backend */
};

/* A random step, the same for every backend. */
struct Case {
  std::mt19937 random;
  int vocab, length, batch;
  coolsd_sampling target, draft;
  std::vector<float> omega;
  Rows p, pu, q, qu;
  bool guided, guided_draft;
  std::vector<int32_t> tokens, lengths;
  std::vector<uint64_t> seeds, positions;
  std::vector<coolsd_sampling> targets, drafts;
  std::vector<float> own_omega, own_budget;

  int below(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }
  float real() { return static_cast<float>(random()) * 0x1p-32f; }

  struct Shape {
    int vocab, length, batch, dtype, offset;
    bool cuts;
  };

  Case(unsigned seed, const Shape& s)
      : random(seed),
        vocab(s.vocab),
        length(s.length),
        batch(s.batch),
        p(s.dtype, s.batch, s.length + 1, s.vocab, below(5), s.offset),
        pu(s.dtype, s.batch, s.length + 1, s.vocab, below(5), below(8)),
        q(s.dtype, s.batch, s.length, s.vocab, below(5), below(8)),
        qu(s.dtype, s.batch, s.length, s.vocab, below(5), below(8)),
        guided(below(4) == 0),
        guided_draft(guided && below(2) == 0) {
    target = sampling(s.cuts);
    draft = below(2) == 0 ? target : sampling(s.cuts);
    for (int i = 0; i < length; ++i) omega.push_back(below(8) == 0 ? static_cast<float>(below(3)) : 3 * real());
    const float scale = 0.5f + 3 * real();
    std::normal_distribution<float> normal;
    const int masked = below(3) == 0 ? 5 : 1 << 30;
    for (int b = 0; b < batch; ++b) {
      seeds.push_back((uint64_t{random()} << 32) | random());
      positions.push_back(uint64_t{random()} << below(32));
      lengths.push_back(below(4) == 0 ? below(length + 1) : length);
      for (int i = 0; i <= length; ++i) {
        const int tie = below(4) == 0 ? below(vocab) : vocab;
        float same = 0;
        for (int v = 0; v < vocab; ++v) {
          float x = scale * normal(random);
          if (v == tie) same = x;
          if (v > tie && v % 3 == 0) x = same;
          const bool keep = v == target.window_lo || v == draft.window_lo;
          const float t = below(masked) == 0 && !keep ? -kInf : x;
          p.set(b, i, v, t);
          pu.set(b, i, v, x + 0.1f * normal(random));
          if (i == length) continue;
          q.set(b, i, v, below(masked) == 0 && !keep ? -kInf : x + 0.3f * normal(random));
          qu.set(b, i, v, x + 0.1f * normal(random));
        }
      }
    }
    tokens.assign(static_cast<size_t>(batch * length), 0);
    for (int32_t& t : tokens) t = below(vocab);
    for (int b = 0; b < batch; ++b) {
      targets.push_back(sampling(s.cuts));
      drafts.push_back(below(2) == 0 ? targets.back() : sampling(s.cuts));
      /* A window that may be masked entirely is another test's. */
      for (coolsd_sampling* own : {&targets.back(), &drafts.back()}) own->window_lo = own->window_hi = 0;
    }
    for (int i = 0; i < batch * length; ++i) {
      own_omega.push_back(below(4) == 0 ? static_cast<float>(below(3)) : 3 * real());
      own_budget.push_back(below(4) == 0 ? 0 : 0.2f * real());
    }
  }

  /* Where sequences are when they are not one behind the other: the last one first. */
  std::vector<int64_t> offsets(const Rows& rows, int i) const {
    std::vector<int64_t> all;
    const coolsd_logits l = rows.view();
    for (int b = 0; b < batch; ++b) all.push_back((batch - 1 - b) * l.batch_stride + i * l.row_stride);
    return all;
  }

  coolsd_sampling sampling(bool cuts) {
    coolsd_sampling s{sizeof s, below(8) == 0 ? 0 : 0.3f + 1.5f * real(), 1 + 3 * real(), 0, 1, 0, 0};
    if (below(4) == 0) {
      s.window_lo = below(vocab);
      s.window_hi = s.window_lo + 1 + below(vocab - s.window_lo);
    }
    if (cuts && below(2) == 0) s.top_k = 1 + below(vocab);
    if (cuts && below(2) == 0) s.top_p = 0.1f + 0.9f * real();
    return s;
  }

  /* Draws the draft with the draft's law, as an engine would, and runs one step. */
  Outcome run(int backend, const Way& way) {
    Outcome o;
    std::vector<float> factors = omega;
    if (way.lantern != nullptr) factors.assign(omega.size(), 1);
    coolsd_verifier_spec spec{sizeof spec, backend, vocab, length, factors.data(), target, draft, way.lantern, 0};
    spec.rule = way.rule;
    spec.factors = way.factors;
    spec.affine = way.affine;
    spec.drift_budget = way.budget;
    coolsd_verifier* verifier = nullptr;
    EXPECT_EQ(coolsd_verifier_create(&spec, &verifier), COOLSD_OK) << coolsd_last_error();
    if (verifier == nullptr) return o;
    const int on_host = way.inputs_on_host && backend == COOLSD_CUDA ? 1 : 0;
    const auto n = static_cast<size_t>(batch), l = static_cast<size_t>(length);
    std::vector<coolsd_normaliser> known(n * l);
    for (int i = 0; i < length; ++i) {
      std::vector<int32_t> drawn(n), status(n);
      std::vector<uint64_t> at = positions;
      for (uint64_t& position : at) position += static_cast<uint64_t>(i);
      std::vector<coolsd_normaliser> one(n);
      std::vector<double> log_prob(n, -7);
      const std::vector<int64_t> from = offsets(q, i), from_uncond = offsets(qu, i);
      coolsd_sample_args a{sizeof a, batch};
      a.logits = way.own_offsets ? q.view() : row(q, i);
      if (guided_draft) a.logits_uncond = way.own_offsets ? qu.view() : row(qu, i);
      if (way.own_offsets) a.logits_offsets = from.data();
      if (way.own_offsets) a.logits_uncond_offsets = from_uncond.data();
      if (way.own_samplings) a.sampling = drafts.data();
      a.purpose = COOLSD_DRAFT;
      a.seeds = seeds.data();
      a.positions = at.data();
      a.tokens = drawn.data();
      a.status = status.data();
      a.normalisers = one.data();
      a.log_prob = log_prob.data();
      a.inputs_on_host = on_host;
      EXPECT_EQ(coolsd_sample(verifier, &a), COOLSD_OK) << coolsd_last_error();
      o.draft_log_prob.insert(o.draft_log_prob.end(), log_prob.begin(), log_prob.end());
      for (size_t b = 0; b < n; ++b) {
        known[b * l + static_cast<size_t>(i)] = one[b];
        /* One token in four stays random: the drafter may be wrong about its own law. */
        if (status[b] == COOLSD_ROW_OK && (b + static_cast<size_t>(i)) % 4 != 0) {
          tokens[b * l + static_cast<size_t>(i)] = drawn[b];
        }
      }
    }
    o.tokens.assign(n * (l + 1), -7);
    o.accepted.assign(n, -7);
    o.status.assign(n, -7);
    o.drift.assign(n * l, -7);
    o.ratio.assign(n * (l + 1), -7);
    o.log_prob.assign(n * (l + 1), -7);
    o.factors.assign(n * l, -7);
    const std::vector<int64_t> of_p = offsets(p, 0), of_pu = offsets(pu, 0), of_q = offsets(q, 0),
                               of_qu = offsets(qu, 0);
    coolsd_verify_args a{sizeof a, batch};
    a.target = p.view();
    if (guided) a.target_uncond = pu.view();
    if (length > 0) a.draft = q.view();
    if (guided_draft && length > 0) a.draft_uncond = qu.view();
    if (way.own_offsets) {
      a.target_offsets = of_p.data();
      a.target_uncond_offsets = of_pu.data();
      a.draft_offsets = of_q.data();
      a.draft_uncond_offsets = of_qu.data();
    }
    if (way.own_samplings) {
      a.target_sampling = targets.data();
      a.draft_sampling = drafts.data();
    }
    if (way.own_factors && length > 0 && way.lantern == nullptr) a.omega = own_omega.data();
    if (way.own_factors && length > 0 && way.factors == COOLSD_FACTORS_BUDGET) a.drift_budget = own_budget.data();
    a.draft_tokens = tokens.data();
    a.draft_lengths = lengths.data();
    a.seeds = seeds.data();
    a.positions = positions.data();
    a.tokens = o.tokens.data();
    a.accepted = o.accepted.data();
    a.status = o.status.data();
    if (way.normalisers && length > 0) a.draft_normalisers = known.data();
    if (way.reports) {
      if (way.lantern == nullptr || way.lantern->residual == COOLSD_RESIDUAL_OPTIMAL) {
        a.drift = o.drift.data();
        a.ratio = o.ratio.data();
      }
      a.log_prob = o.log_prob.data();
      a.factors = o.factors.data();
    }
    a.inputs_on_host = on_host;
    EXPECT_EQ(coolsd_verify(verifier, &a), COOLSD_OK) << coolsd_last_error();
    coolsd_verifier_destroy(verifier);
    return o;
  }
  Outcome run(int backend, bool normalisers, bool reports, const coolsd_lantern* lantern = nullptr) {
    Way way;
    way.normalisers = normalisers;
    way.reports = reports;
    way.lantern = lantern;
    return run(backend, way);
  }

  coolsd_logits row(const Rows& rows, int i) const {
    coolsd_logits l = rows.view();
    l.data = static_cast<const char*>(l.data) + static_cast<size_t>(i * l.row_stride) * rows.size();
    return l;
  }
};

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    /* LANTERN can emit a token that neither law has: 0 / 0. */
    if (got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i]))) continue;
    EXPECT_NEAR(got[i], expected[i], tolerance * (1 + std::fabs(expected[i]))) << what << " " << i;
  }
}

/* Phat/P, since P/Phat magnifies the cancellation in a residual near 0. */
std::vector<double> reciprocal(std::vector<double> values) {
  for (double& v : values) v = 1 / v;
  return values;
}

Case::Shape random_shape(std::mt19937& random, int longest_vocab, bool cuts) {
  const int vocab = 2 + static_cast<int>(random() % static_cast<unsigned>(longest_vocab - 1));
  return {vocab,
          static_cast<int>(random() % 6),
          1 + static_cast<int>(random() % 3),
          static_cast<int>(random() % 3),
          static_cast<int>(random() % 9),
          cuts};
}

void expect_alike(const Outcome& cuda, const Outcome& cpu, const std::string& what) {
  expect_near(cuda.drift, cpu.drift, 2e-6, what + " drift");
  expect_near(reciprocal(cuda.ratio), reciprocal(cpu.ratio), 2e-5, what + " ratio");
  expect_near(cuda.log_prob, cpu.log_prob, 2e-6, what + " log_prob");
  expect_near(cuda.draft_log_prob, cpu.draft_log_prob, 2e-6, what + " log_prob of sample");
  expect_near({cuda.factors.begin(), cuda.factors.end()}, {cpu.factors.begin(), cpu.factors.end()}, 1e-5,
              what + " factors");
}

/* Whether sample drew the same tokens. */
bool same_draft(const Outcome& cuda, const Outcome& cpu) {
  for (size_t i = 0; i < cpu.draft_log_prob.size(); ++i) {
    if (std::fabs(cuda.draft_log_prob[i] - cpu.draft_log_prob[i]) > 1e-3) return false;
  }
  return true;
}

/* Whether only these uniforms made a difference: with eight others there is none. */
bool at_a_boundary(unsigned seed, const Case::Shape& shape, const Way& way) {
  for (uint64_t other = 1; other <= 8; ++other) {
    Case c(seed, shape);
    for (uint64_t& request : c.seeds) request += other;
    const Outcome cpu = c.run(COOLSD_CPU, way), cuda = c.run(COOLSD_CUDA, way);
    if (cuda.tokens != cpu.tokens || cuda.accepted != cpu.accepted || cuda.status != cpu.status) return false;
  }
  return true;
}

/* How many of so many random cases are run: all of them unless COOLSD_TEST_SHARE says which part of them. */
unsigned share(unsigned cases) {
  const char* part = std::getenv("COOLSD_TEST_SHARE");
  const double wanted = part == nullptr ? 1 : std::atof(part);
  return wanted > 0 && wanted < 1 ? static_cast<unsigned>(std::ceil(cases * wanted)) : cases;
}

/*
 * Cases of all kinds, verified in ways that make_way(random, way) gives; the number that differ from the CPU's
 * otherwise than by rounding at a boundary.
 */
template <typename MakeWay>
int compare(unsigned from, unsigned to, int longest_vocab, bool cuts, MakeWay make_way) {
  int differ = 0, boundaries = 0;
  to = from + share(to - from);
  for (unsigned seed = from; seed < to; ++seed) {
    std::mt19937 random(seed);
    const Case::Shape shape = random_shape(random, longest_vocab, cuts);
    Way way;
    way.normalisers = random() % 2 == 0;
    way.reports = random() % 2 == 0;
    setting = {1 + static_cast<int>(random() % 5), 1 + static_cast<int>(random() % 3), seed};
    make_way(random, &way);
    Case c(seed, shape);
    const Outcome cpu = c.run(COOLSD_CPU, way);
    const Outcome cuda = c.run(COOLSD_CUDA, way);
    const std::string what = "seed " + std::to_string(seed);
    EXPECT_EQ(cuda.status, cpu.status) << what;
    if (cuda.tokens != cpu.tokens || cuda.accepted != cpu.accepted || !same_draft(cuda, cpu)) {
      differ += at_a_boundary(seed, shape, way) ? 0 : 1;
      ++boundaries;
      continue;
    }
    expect_alike(cuda, cpu, what);
    if (testing::Test::HasFailure()) return differ;
  }
  /* A boundary is some 1e-7 wide, of which a step has some tens, but residuals near 0 widen it. */
  EXPECT_LE(boundaries, 1 + static_cast<int>(to - from) / 100);
  return differ;
}
int compare(unsigned from, unsigned to, int longest_vocab, bool cuts) {
  return compare(from, to, longest_vocab, cuts, [](std::mt19937&, Way*) {});
}

TEST(Kernels, DecideAsTheCpuDoes) { EXPECT_EQ(compare(0, 1000, 3000, false), 0); }

TEST(Kernels, CutAsTheCpuDoes) { EXPECT_EQ(compare(10000, 10600, 2000, true), 0); }

/* The call's own factors, samplings and offsets, for every sequence another. */
void own_all(std::mt19937& random, Way* way) {
  way->own_factors = random() % 2 == 0;
  way->own_samplings = random() % 2 == 0;
  way->own_offsets = random() % 2 == 0;
  way->inputs_on_host = random() % 2 == 0;
}

TEST(Kernels, TakeACallsOwnInputsAsTheCpuDoes) {
  EXPECT_EQ(compare(20000, 20400, 2000, false, own_all), 0);
  EXPECT_EQ(compare(21000, 21200, 2000, true, own_all), 0);
}

TEST(Kernels, AddTheAffineTermAsTheCpuDoes) {
  EXPECT_EQ(compare(22000, 22300, 2000, false,
                    [](std::mt19937& random, Way* way) {
                      own_all(random, way);
                      way->affine = static_cast<float>(random() % 5) * 0.2f;
                    }),
            0);
}

TEST(Kernels, VerifyBlocksAsTheCpuDoes) {
  const auto block = [](std::mt19937& random, Way* way) {
    if (random() % 2 == 0) own_all(random, way);
    way->rule = COOLSD_RULE_BLOCK;
  };
  EXPECT_EQ(compare(30000, 30800, 2500, false, block), 0);
  EXPECT_EQ(compare(31000, 31300, 1500, true, block), 0);
}

TEST(Kernels, SpendBudgetsAsTheCpuDoes) {
  for (const int rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    const auto budget = [rule](std::mt19937& random, Way* way) {
      own_all(random, way);
      way->rule = rule;
      way->factors = COOLSD_FACTORS_BUDGET;
      way->budget = random() % 4 == 0 ? 0 : static_cast<float>(random() % 1000) * 2e-4f;
    };
    EXPECT_EQ(compare(32000, 32250, 1500, false, budget), 0) << rule;
    EXPECT_EQ(compare(33000, 33100, 1000, true, budget), 0) << rule;
  }
}

TEST(Kernels, FollowTheEntropyAsTheCpuDoes) {
  for (const int rule : {COOLSD_RULE_RELAXED, COOLSD_RULE_BLOCK}) {
    const auto entropy = [rule](std::mt19937& random, Way* way) {
      own_all(random, way);
      way->rule = rule;
      way->factors = COOLSD_FACTORS_ENTROPY;
      if (rule == COOLSD_RULE_RELAXED) way->affine = static_cast<float>(random() % 3) * 0.2f;
    };
    EXPECT_EQ(compare(34000, 34250, 1500, false, entropy), 0) << rule;
    EXPECT_EQ(compare(35000, 35100, 1000, true, entropy), 0) << rule;
  }
}

TEST(Kernels, DecideAsTheCpuDoesInLargeVocabularies) {
  for (const int vocab : {16384, 65537, 131072}) {
    for (int dtype = 0; dtype < 3; ++dtype) {
      const bool cuts = vocab == 16384;
      setting = {8, 4, static_cast<uint64_t>(vocab + dtype)};
      Case c(static_cast<unsigned>(vocab + dtype), {vocab, 3, 1, dtype, 3, cuts});
      const Outcome cpu = c.run(COOLSD_CPU, true, true), cuda = c.run(COOLSD_CUDA, true, true);
      EXPECT_EQ(cuda.status, cpu.status) << vocab << " " << dtype;
      EXPECT_EQ(cuda.tokens, cpu.tokens) << vocab << " " << dtype;
      expect_near(cuda.drift, cpu.drift, 2e-6, "drift");
    }
  }
}

/* Every output, bit for bit, of every rule. */
TEST(Kernels, NeitherGridNorScheduleChangesABit) {
  const auto bytes = [](const Outcome& o) {
    std::string all;
    const auto add = [&](const auto& v) {
      all.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof v[0]);
    };
    add(o.tokens), add(o.status), add(o.accepted), add(o.drift), add(o.ratio), add(o.log_prob), add(o.factors);
    return all;
  };
  for (unsigned seed = 0; seed < share(24); ++seed) {
    Case c(seed, {1500 + static_cast<int>(seed % 8) * 331, 4, 2, static_cast<int>(seed % 3), 1, seed % 2 == 0});
    Way way;
    way.normalisers = seed % 3 == 0;
    way.reports = true;
    way.rule = seed % 3 == 1 || seed % 5 == 0 ? COOLSD_RULE_BLOCK : COOLSD_RULE_RELAXED;
    way.factors = static_cast<int>(seed / 8);
    way.budget = way.factors == COOLSD_FACTORS_BUDGET ? 0.05f : 0;
    std::string first;
    int runs = 0;
    for (const int blocks : {1, 2, 3, 7}) {
      for (const int warps : {1, 2, 4}) {
        setting = {blocks, warps, seed * 100 + static_cast<uint64_t>(runs)};
        Case same = c;
        const std::string now = bytes(same.run(COOLSD_CUDA, way));
        if (runs++ == 0) first = now;
        EXPECT_EQ(now == first, true) << seed << ", " << blocks << " blocks of " << warps << " warps";
      }
    }
  }
}

TEST(Kernels, PoolNeighboursAsTheCpuDoes) {
  int differ = 0;
  for (unsigned seed = 0; seed < share(400); ++seed) {
    Case c(seed, {10 + static_cast<int>(seed), static_cast<int>(seed % 5), 2, static_cast<int>(seed % 3), 2, false});
    std::vector<int32_t> neighbours;
    const int k = 1 + c.below(8);
    for (int v = 0; v < c.vocab; ++v) {
      for (int i = 1; i <= k; ++i) neighbours.push_back((v + (i % 2 == 0 ? i : c.vocab - i)) % c.vocab);
    }
    const bool plus_plus = c.below(2) == 0;
    const coolsd_lantern lantern{sizeof lantern,
                                 neighbours.data(),
                                 k,
                                 plus_plus ? COOLSD_LANTERN_PLUS_PLUS : COOLSD_LANTERN,
                                 c.real() / 4 + (plus_plus ? 1 : 0),
                                 c.below(2) == 0 ? COOLSD_RESIDUAL_LANTERN : COOLSD_RESIDUAL_OPTIMAL};
    setting = {3, 2, seed};
    const Outcome cpu = c.run(COOLSD_CPU, false, true, &lantern), cuda = c.run(COOLSD_CUDA, false, true, &lantern);
    EXPECT_EQ(cuda.status, cpu.status) << seed;
    if (cuda.tokens != cpu.tokens) {
      ++differ;
      continue;
    }
    expect_near(cuda.drift, cpu.drift, 2e-6, "drift");
    expect_near(reciprocal(cuda.ratio), reciprocal(cpu.ratio), 2e-5, "ratio");
  }
  EXPECT_EQ(differ, 0);
}

/* NaN, +inf, masked rows, tokens out of range, at every place: the same status, and the others of the batch
 * undisturbed. */
TEST(Kernels, GiveTheCpusStatus) {
  for (unsigned seed = 0; seed < share(600); ++seed) {
    Case c(seed, {40 + static_cast<int>(seed % 7) * 300, 3, 2, static_cast<int>(seed % 3), 1, seed % 4 == 0});
    const int i = c.below(4), v = c.below(c.vocab);
    switch (c.below(5)) {
      case 0:
        c.p.set(0, i, v, std::nanf(""));
        break;
      case 1:
        c.p.set(0, i, v, kInf);
        c.p.set(0, i, c.below(c.vocab), std::nanf(""));
        break;
      case 2:
        for (int t = 0; t < c.vocab; ++t) c.p.set(0, i, t, -kInf);
        break;
      case 3:
        if (i < 3) c.q.set(0, i, v, c.below(2) == 0 ? kInf : std::nanf(""));
        break;
      default:
        c.tokens[static_cast<size_t>(c.below(3))] = c.below(2) == 0 ? -1 : c.vocab;
        c.draft.temperature = 1; /* tokens stay as they are where sample refuses */
    }
    setting = {3, 2, seed};
    const bool normalisers = seed % 5 == 1;
    const bool reports = seed % 2 == 0;
    const Outcome cpu = c.run(COOLSD_CPU, normalisers, reports), cuda = c.run(COOLSD_CUDA, normalisers, reports);
    EXPECT_EQ(cuda.status, cpu.status) << "seed " << seed;
    EXPECT_EQ(cuda.tokens, cpu.tokens) << "seed " << seed;
    EXPECT_EQ(cuda.accepted, cpu.accepted) << "seed " << seed;
  }
}

/* The same with every rule, and with inputs of the call's own that are wrong. */
TEST(Kernels, GiveTheCpusStatusWithEveryRule) {
  int seen[9] = {};
  for (unsigned seed = 0; seed < share(900); ++seed) {
    Case c(seed, {40 + static_cast<int>(seed % 5) * 300, 3, 2, static_cast<int>(seed % 3), 1, seed % 4 == 0});
    Way way;
    way.rule = seed % 3 == 0 ? COOLSD_RULE_RELAXED : COOLSD_RULE_BLOCK;
    way.factors = c.below(3);
    way.budget = way.factors == COOLSD_FACTORS_BUDGET ? 0.1f : 0;
    way.own_factors = way.own_samplings = true;
    way.normalisers = c.below(2) == 0;
    way.reports = c.below(2) == 0;
    way.inputs_on_host = c.below(2) == 0;
    const int i = c.below(4), v = c.below(c.vocab);
    for (int spoils = 1 + c.below(2); spoils > 0; --spoils) {
      switch (c.below(8)) {
        case 0:
          c.p.set(0, i, v, c.below(2) == 0 ? kInf : std::nanf(""));
          break;
        case 1:
          for (int t = 0; t < c.vocab; ++t) c.p.set(0, i, t, -kInf);
          break;
        case 2:
        case 3:
          if (i < 3) c.q.set(0, i, c.below(c.vocab), c.below(2) == 0 ? kInf : std::nanf(""));
          break;
        case 4:
          c.tokens[static_cast<size_t>(c.below(3))] = c.below(2) == 0 ? -1 : c.vocab;
          break;
        case 5:
          c.own_omega[static_cast<size_t>(c.below(3))] = c.below(2) == 0 ? -1 : std::nanf("");
          break;
        case 6:
          (c.below(2) == 0 ? c.targets : c.drafts)[0].top_p = 0;
          break;
        default:
          c.lengths[0] = c.below(2) == 0 ? -1 : 4;
      }
    }
    setting = {3, 2, seed};
    const Outcome cpu = c.run(COOLSD_CPU, way), cuda = c.run(COOLSD_CUDA, way);
    EXPECT_EQ(cuda.status, cpu.status) << "seed " << seed;
    EXPECT_EQ(cuda.tokens, cpu.tokens) << "seed " << seed;
    EXPECT_EQ(cuda.accepted, cpu.accepted) << "seed " << seed;
    ++seen[cpu.status[0]];
  }
  for (const int status :
       {COOLSD_ROW_OK, COOLSD_ROW_NAN, COOLSD_ROW_INFINITE, COOLSD_ROW_EMPTY, COOLSD_ROW_TOKEN_OUT_OF_RANGE,
        COOLSD_ROW_DRAFT_LENGTH, COOLSD_ROW_SAMPLING, COOLSD_ROW_FACTOR}) {
    EXPECT_GT(seen[status], 5) << status;
  }
}

/* Both laws the same, and a draft that neither has: nothing is left to draw from but P, or Phat. */
TEST(Kernels, DrawBehindABlockThatLeavesNothing) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Case c(seed, {300, 3, 2, 0, 0, false});
    c.guided = c.guided_draft = false;
    c.target = c.draft = {sizeof c.target, 1, 1, 0, 1, 0, 0};
    for (int b = 0; b < 2; ++b) {
      for (int i = 0; i < 3; ++i) {
        for (int t = 0; t < static_cast<int>(share(300)); ++t) {
          const float x = t == 7 ? -kInf : static_cast<float>((t * 37 + i * 11) % 50) * 0.1f;
          c.p.set(b, i, t, x);
          /* Within what omega = 3 allows, or P itself. */
          c.q.set(b, i, t, seed % 2 == 0 ? x : x + static_cast<float>(t % 5) * 0.1f);
        }
        c.tokens[static_cast<size_t>(b * 3 + i)] = 7;
      }
    }
    c.omega = {seed % 3 == 0 ? 1.0f : 3.0f, 3, 3};
    Way way;
    way.rule = COOLSD_RULE_BLOCK;
    way.reports = true;
    setting = {3, 2, seed};
    const Outcome cpu = c.run(COOLSD_CPU, way), cuda = c.run(COOLSD_CUDA, way);
    EXPECT_EQ(cuda.status, cpu.status) << seed;
    EXPECT_EQ(cuda.accepted, cpu.accepted) << seed;
    EXPECT_EQ(cuda.tokens, cpu.tokens) << seed;
  }
}

/* A draft length out of range cannot be refused on the host. */
TEST(Kernels, RefuseDraftLengths) {
  for (const int length : {-1, 4, 1 << 30}) {
    Case c(7, {100, 3, 2, 0, 0, false});
    c.lengths[1] = 3;
    const std::vector<int32_t> before = c.run(COOLSD_CUDA, false, true).tokens;
    c.lengths[0] = length;
    const Outcome o = c.run(COOLSD_CUDA, false, true);
    EXPECT_EQ(o.status[0], COOLSD_ROW_DRAFT_LENGTH);
    EXPECT_EQ(o.tokens[0], -1);
    EXPECT_TRUE(std::equal(before.begin() + 4, before.end(), o.tokens.begin() + 4));
  }
}

/*
 * What a step costs: launches, and bytes of global memory. Least is every target row once, and after a rejection its
 * row and its draft row once more; draft rows once where no normaliser is given.
 */
struct Cost {
  size_t launches;
  double loaded, stored; /* by the last launch, in units of the least and of one row */
};

Cost cost(Case& c, bool normalisers) {
  SimtDevice::log.clear();
  const Outcome o = c.run(COOLSD_CUDA, normalisers, false);
  size_t samples = static_cast<size_t>(c.length);
  if (c.draft.top_k > 0 || c.draft.top_p < 1) samples *= 2;
  const Counters& last = SimtDevice::log.back();
  const double row = static_cast<double>(c.vocab) * static_cast<double>(c.p.size());
  const double rows = c.length + 1 + (normalisers ? 0 : c.length) + (o.accepted[0] < c.lengths[0] ? 2 : 0);
  return {SimtDevice::log.size() - samples, static_cast<double>(last.global.loaded) / (rows * row),
          static_cast<double>(last.global.stored) / row};
}

TEST(Kernels, ReadWhatTheyMustAndStoreNothingOfSizeV) {
  for (const int vocab : {8192, 16384, 65536, 131072}) {
    for (int dtype = 0; dtype < 3; ++dtype) {
      for (const bool normalisers : {true, false}) {
        Case c(static_cast<unsigned>(3 * vocab + dtype), {vocab, 5, 1, dtype, 1, false});
        c.lengths = {5};
        c.guided = c.guided_draft = false;
        c.target = c.draft = {sizeof c.target, 1, 1, 0, 1, 0, 0};
        setting = {6, 4, 1};
        const Cost is = cost(c, normalisers);
        EXPECT_EQ(is.launches, 1u);
        EXPECT_LE(is.loaded, 1.05) << vocab << " " << dtype << " " << normalisers;
        EXPECT_LE(is.stored, 0.02 * (normalisers ? 6 : 11)) << vocab << " " << dtype;
        std::printf("V = %6d, dtype %d, %s: %zu launch, %.4f times the least bytes loaded, %.4f of a row stored\n",
                    vocab, dtype, normalisers ? "normalisers" : "no normalisers", is.launches, is.loaded, is.stored);
      }
    }
  }
}

/*
 * A block reads every target row once, both rows of a position with a factor above 1 once more, and both rows behind
 * every prefix that its uniform lets pass but that does not carry 1; where the factor is at most 1 also those behind
 * the longest that does. It has one launch, and a grid barrier for each of the two kinds that there are.
 */
TEST(Kernels, ReadWhatABlockMust) {
  for (int dtype = 0; dtype < 3; ++dtype) {
    for (const int kind : {0, 1, 2}) { /* lossless, relaxed, budgets */
      Case c(static_cast<unsigned>(dtype), {16384, 5, 1, dtype, 1, false});
      c.lengths = {5};
      c.guided = c.guided_draft = false;
      c.target = c.draft = {sizeof c.target, 1, 1, 0, 1, 0, 0};
      c.omega.assign(5, kind == 0 ? 1.0f : 1.5f);
      Way way;
      way.normalisers = true;
      way.rule = COOLSD_RULE_BLOCK;
      way.factors = kind == 2 ? COOLSD_FACTORS_BUDGET : COOLSD_FACTORS_GIVEN;
      way.budget = kind == 2 ? 0.05f : 0;
      setting = {6, 4, 1};
      SimtDevice::log.clear();
      c.run(COOLSD_CUDA, way);
      EXPECT_EQ(SimtDevice::log.size(), 6u); /* five of them draw the draft */
      const Counters& last = SimtDevice::log.back();
      EXPECT_EQ(last.grid_barriers, static_cast<uint64_t>(kind + 1));
      const double row = 16384.0 * static_cast<double>(c.p.size());
      const double draft = static_cast<double>(last.buffers.at("draft").loaded) / row;
      const double target = static_cast<double>(last.buffers.at("target").loaded) / row;
      const double all = static_cast<double>(last.global.loaded) / row;
      /* Draft rows are read by passes only, and each pass reads one target row too. */
      const double passes = std::floor(draft + 0.1);
      EXPECT_NEAR(target, 6 + passes, 0.2) << kind;
      EXPECT_GE(passes, kind);
      EXPECT_LE(passes, kind == 0 ? 5 : kind * 5 + 5);
      EXPECT_LE(all, 1.06 * (6 + 2 * passes)) << kind;
      std::printf("block, dtype %d, %s: %.3f target rows, %.3f draft rows, %.4f times the bytes of both\n", dtype,
                  kind == 0   ? "lossless"
                  : kind == 1 ? "relaxed"
                              : "budgets",
                  target, draft, all / (6 + 2 * passes));
    }
  }
}

TEST(Kernels, TakeTwoLaunchesWithTopK) {
  Case c(5, {16384, 5, 1, 0, 0, false});
  c.lengths = {5};
  c.target = c.draft = {sizeof c.target, 1, 1, 2000, 1, 0, 0};
  setting = {6, 4, 1};
  EXPECT_EQ(cost(c, true).launches, 2u);
}

/* A device has one workspace: a smaller batch after a larger one finds the counters as it needs them. */
TEST(Kernels, LeaveTheWorkspaceReady) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const bool cuts = seed % 2 == 0;
    Case large(seed, {700, 3, 4, 0, 0, cuts});
    large.seeds.assign(4, 1);
    setting = {2, 2, seed};
    coolsd_verifier_spec spec{sizeof spec,  COOLSD_CUDA, 700,     3, large.omega.data(),
                              large.target, large.draft, nullptr, 0};
    spec.rule = seed % 3 == 0 ? COOLSD_RULE_RELAXED : COOLSD_RULE_BLOCK;
    spec.factors = static_cast<int>(seed / 10);
    spec.drift_budget = spec.factors == COOLSD_FACTORS_BUDGET ? 0.1f : 0;
    coolsd_verifier* verifier = nullptr;
    ASSERT_EQ(coolsd_verifier_create(&spec, &verifier), COOLSD_OK);
    std::vector<int32_t> tokens(16), again(4), accepted(4), status(4);
    coolsd_verify_args a{sizeof a, 4};
    a.target = large.p.view();
    a.draft = large.q.view();
    a.draft_tokens = large.tokens.data();
    a.seeds = large.seeds.data();
    a.positions = large.positions.data();
    a.tokens = tokens.data();
    a.accepted = accepted.data();
    a.status = status.data();
    for (int run = 0; run < 3; ++run) {
      a.batch = 4;
      a.tokens = tokens.data();
      ASSERT_EQ(coolsd_verify(verifier, &a), COOLSD_OK) << coolsd_last_error();
      a.batch = 1;
      a.tokens = again.data();
      ASSERT_EQ(coolsd_verify(verifier, &a), COOLSD_OK) << coolsd_last_error();
      EXPECT_TRUE(std::equal(again.begin(), again.end(), tokens.begin()));
    }
    size_t bytes = 0;
    EXPECT_EQ(coolsd_verifier_reserve(verifier, 4, &bytes), COOLSD_OK);
    EXPECT_GT(bytes, 0u);
    coolsd_verifier_destroy(verifier);
  }
}

}  // namespace
}  // namespace coolsd::simt
