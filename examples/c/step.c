/* One decoding step from another engine's logits: sample a draft of two tokens, verify it, print what came out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "coolsd.h"

enum { V = 8, L = 2 };

static void check(coolsd_status status) {
  if (status != COOLSD_OK) {
    fprintf(stderr, "%s\n", coolsd_last_error());
    exit(1);
  }
}

int main(void) {
  /* Logits of an engine: L rows of its drafter, L + 1 of its target. */
  float draft[L][V] = {{0, 1, 2, 3, 2, 1, 0, -1}, {3, 2, 1, 0, 0, 1, 2, 3}};
  float target[L + 1][V] = {{0, 1, 2, 3, 3, 1, 0, -1}, {3, 2, 1, 0, 0, 1, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1}};

  const float omega[L] = {1.5f, 1.0f};
  const coolsd_sampling sampling = {sizeof sampling, 1.0f, 1.0f, 0, 0.95f, 0, 0}; /* T 1, no guidance, top-p 0.95 */
  coolsd_verifier_spec spec = {sizeof spec, COOLSD_CPU, V, L, omega, sampling, sampling, NULL, 0};
  coolsd_verifier* verifier;
  check(coolsd_verifier_create(&spec, &verifier));

  const uint64_t seed = 7, position = 100; /* of the request, and of the first draft token in it */
  int32_t draft_tokens[L], status;
  coolsd_normaliser normalisers[L];
  for (int i = 0; i < L; ++i) {
    const uint64_t at = position + (uint64_t)i;
    coolsd_sample_args s = {sizeof s};
    s.batch = 1;
    s.logits = (coolsd_logits){draft[i], V, V, COOLSD_F32};
    s.purpose = COOLSD_DRAFT;
    s.seeds = &seed;
    s.positions = &at;
    s.tokens = &draft_tokens[i];
    s.status = &status;
    s.normalisers = &normalisers[i];
    check(coolsd_sample(verifier, &s));
    if (status != COOLSD_ROW_OK) return 1;
  }

  int32_t tokens[L + 1], accepted;
  double drift[L];
  coolsd_verify_args v = {sizeof v};
  v.batch = 1;
  v.target = (coolsd_logits){target, (L + 1) * V, V, COOLSD_F32};
  v.draft = (coolsd_logits){draft, L * V, V, COOLSD_F32};
  v.draft_tokens = draft_tokens;
  v.draft_normalisers = normalisers;
  v.seeds = &seed;
  v.positions = &position;
  v.tokens = tokens;
  v.accepted = &accepted;
  v.status = &status;
  v.drift = drift;
  check(coolsd_verify(verifier, &v));
  if (status != COOLSD_ROW_OK) return 1;
  for (int i = 0; i <= accepted; ++i) printf("%" PRId32 "\n", tokens[i]);
  coolsd_verifier_destroy(verifier);
  return 0;
}
