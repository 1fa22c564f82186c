/*
 * A caller of version 0.1, compiled against that version's header, which uses all that it had and prints what it got.
 * Where structs had padding there is garbage. old_caller.expected is what the library of 0.1 gave.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coolsd-0.1.h"

enum { V = 300, L = 4, B = 3 };

static float target[B][L + 1][V], target_uncond[B][L + 1][V], draft[B][L][V], draft_uncond[B][L][V];
static int32_t neighbours[V][2];

static float number(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / (float)(1 << 24) * 6 - 3;
}

static void fill(void) {
  uint32_t state = 1;
  for (int b = 0; b < B; ++b) {
    for (int i = 0; i <= L; ++i) {
      for (int v = 0; v < V; ++v) {
        target[b][i][v] = number(&state);
        target_uncond[b][i][v] = target[b][i][v] + 0.2f * number(&state);
        if (i == L) continue;
        draft[b][i][v] = target[b][i][v] + 0.4f * number(&state);
        draft_uncond[b][i][v] = target_uncond[b][i][v];
      }
    }
  }
  for (int v = 0; v < V; ++v) {
    neighbours[v][0] = (v + 1) % V;
    neighbours[v][1] = (v + V - 1) % V;
  }
}

static void fail(const char* what) {
  printf("%s: %s\n", what, coolsd_last_error());
  exit(1);
}

struct options {
  const char* name;
  float omega[L];
  int guided, normalisers, reports;
  coolsd_sampling target, draft;
  const coolsd_lantern* lantern;
};

static coolsd_verifier* create(const struct options* o) {
  coolsd_verifier_spec spec;
  memset(&spec, 0xAB, sizeof spec);
  spec.struct_size = sizeof spec;
  spec.backend = COOLSD_CPU;
  spec.vocab = V;
  spec.draft_length = L;
  spec.omega = o->omega;
  spec.target = o->target;
  spec.draft = o->draft;
  spec.lantern = o->lantern;
  spec.device = 0;
  coolsd_verifier* verifier = NULL;
  if (coolsd_verifier_create(&spec, &verifier) != COOLSD_OK) fail(o->name);
  return verifier;
}

static void run(const struct options* o, int spoilt) {
  coolsd_verifier* verifier = create(o);
  int32_t draft_tokens[B][L], tokens[B][L + 1], accepted[B], status[B], lengths[B] = {L, 2, L};
  coolsd_normaliser normalisers[B][L];
  double drift[B][L], ratio[B][L + 1], log_prob[B][L + 1];
  uint64_t seeds[B] = {11, 22, 33}, positions[B] = {0, 5, 1ull << 40};
  size_t bytes = 7;
  if (coolsd_verifier_reserve(verifier, B, &bytes) != COOLSD_OK || bytes != 0) fail("reserve");
  if (coolsd_host_register(verifier, tokens, sizeof tokens) != COOLSD_OK) fail("register");
  for (int i = 0; i < L; ++i) {
    uint64_t at[B];
    int32_t drawn[B];
    coolsd_normaliser made[B];
    for (int b = 0; b < B; ++b) at[b] = positions[b] + (uint64_t)i;
    coolsd_sample_args s;
    memset(&s, 0xAB, sizeof s);
    s.struct_size = sizeof s;
    s.batch = B;
    s.logits = (coolsd_logits){draft[0][i], (int64_t)L * V, V, COOLSD_F32};
    s.logits_uncond = (coolsd_logits){o->guided ? draft_uncond[0][i] : NULL, (int64_t)L * V, V, COOLSD_F32};
    s.purpose = COOLSD_DRAFT;
    s.seeds = seeds;
    s.positions = at;
    s.tokens = drawn;
    s.status = status;
    s.normalisers = made;
    s.stream = NULL;
    if (coolsd_sample(verifier, &s) != COOLSD_OK) fail("sample");
    for (int b = 0; b < B; ++b) {
      draft_tokens[b][i] = drawn[b];
      normalisers[b][i] = made[b];
    }
  }
  if (spoilt == 1) draft_tokens[1][1] = V;
  if (spoilt == 2) target[1][0][7] = NAN;
  if (spoilt == 3) normalisers[1][0].mass = -1;
  coolsd_verify_args a;
  memset(&a, 0xAB, sizeof a);
  a.struct_size = sizeof a;
  a.batch = B;
  a.target = (coolsd_logits){target, (int64_t)(L + 1) * V, V, COOLSD_F32};
  a.target_uncond = (coolsd_logits){o->guided ? target_uncond : NULL, (int64_t)(L + 1) * V, V, COOLSD_F32};
  a.draft = (coolsd_logits){draft, (int64_t)L * V, V, COOLSD_F32};
  a.draft_uncond = (coolsd_logits){o->guided ? draft_uncond : NULL, (int64_t)L * V, V, COOLSD_F32};
  a.draft_tokens = draft_tokens[0];
  a.draft_lengths = lengths;
  a.seeds = seeds;
  a.positions = positions;
  a.tokens = tokens[0];
  a.accepted = accepted;
  a.status = status;
  a.draft_normalisers = o->normalisers ? normalisers[0] : NULL;
  a.drift = o->reports ? drift[0] : NULL;
  a.ratio = o->reports ? ratio[0] : NULL;
  a.log_prob = log_prob[0];
  a.stream = NULL;
  if (coolsd_verify(verifier, &a) != COOLSD_OK) fail("verify");
  if (coolsd_synchronize(verifier, NULL) != COOLSD_OK) fail("synchronize");
  if (coolsd_host_unregister(verifier, tokens) != COOLSD_OK) fail("unregister");
  for (int b = 0; b < B; ++b) {
    printf("%s %d: status %d accepted %d\n", o->name, b, status[b], accepted[b]);
    for (int i = 0; i <= L; ++i) {
      printf("  %d", tokens[b][i]);
      printf(" log P %.4f", log_prob[b][i]);
      if (o->reports) printf(" P/Phat %.4f", ratio[b][i]);
      if (o->reports && i < L) printf(" drift %.4f", drift[b][i]);
      printf("\n");
    }
  }
  if (spoilt == 2) target[1][0][7] = 0;
  coolsd_verifier_destroy(verifier);
}

int main(void) {
  fill();
  const coolsd_sampling plain = {sizeof plain, 1, 1, 0, 1, 0, 0};
  const coolsd_sampling guided = {sizeof guided, 0.8f, 2, 50, 0.9f, 10, 290};
  const coolsd_sampling greedy = {sizeof greedy, 0, 1, 0, 1, 0, 0};
  const coolsd_lantern lantern = {sizeof lantern, neighbours[0], 2, COOLSD_LANTERN, 0.05f, COOLSD_RESIDUAL_LANTERN};
  const coolsd_lantern plus_plus = {sizeof plus_plus,       neighbours[0], 2, COOLSD_LANTERN_PLUS_PLUS, 3,
                                    COOLSD_RESIDUAL_OPTIMAL};
  const struct options all[] = {
      {"lossless", {1, 1, 1, 1}, 0, 0, 1, plain, plain, NULL},
      {"relaxed", {2, 1.3f, 0.7f, 0.2f}, 0, 1, 1, plain, plain, NULL},
      {"guided and cut", {2, 1.3f, 0.7f, 0.2f}, 1, 1, 1, guided, guided, NULL},
      {"greedy", {1, 1, 1, 1}, 0, 1, 0, greedy, greedy, NULL},
      {"lantern", {1, 1, 1, 1}, 0, 1, 0, plain, plain, &lantern},
      {"lantern++", {1, 1, 1, 1}, 0, 0, 1, plain, plain, &plus_plus},
  };
  for (size_t k = 0; k < sizeof all / sizeof *all; ++k) run(&all[k], 0);
  for (int spoilt = 1; spoilt <= 3; ++spoilt) run(&all[1], spoilt);
  struct options wrong = all[0];
  wrong.omega[2] = -1;
  coolsd_verifier_spec spec;
  memset(&spec, 0xAB, sizeof spec);
  spec.struct_size = sizeof spec;
  spec.backend = COOLSD_CPU;
  spec.vocab = V;
  spec.draft_length = L;
  spec.omega = wrong.omega;
  spec.target = spec.draft = plain;
  spec.lantern = NULL;
  coolsd_verifier* verifier = NULL;
  printf("%d %s\n", coolsd_verifier_create(&spec, &verifier), coolsd_last_error());
  printf("%d\n", coolsd_backend_status(COOLSD_CPU));
  return 0;
}
