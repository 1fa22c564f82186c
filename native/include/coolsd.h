/*
 * coolsd: relaxed speculative decoding for autoregressive image models. C ABI.
 *
 * Every function returns a coolsd_status; coolsd_last_error() has the words. Memory behind pointers belongs to the caller
 * and is only read or written during the call. A handle may be used by one thread at a time; distinct handles are
 * independent. A status code is for a wrong call; whatever is wrong with one sequence is that sequence's row status.
 *
 * Growth: coolsd_verifier_spec, coolsd_verify_args, coolsd_sample_args and coolsd_lantern start with their own size in bytes
 * and grow at their end. The library takes a struct of any size from its first version's on: what an older caller's lacks is
 * zero, and a zero field means what the library did before the field existed. A longer struct, from a newer header, is
 * refused unless its tail is zero. coolsd_sampling, coolsd_logits and coolsd_normaliser never grow: they are embedded and
 * stand in arrays.
 *
 * With COOLSD_CUDA every pointer in coolsd_verify_args and coolsd_sample_args is one that the device can read: device
 * memory, or host memory registered with CUDA; with inputs_on_host the small inputs are host memory instead. Logits must be
 * aligned to their element. The call returns when the work is queued in `stream`.
 */
#ifndef COOLSD_H
#define COOLSD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef COOLSD_API
#if defined(__GNUC__)
#define COOLSD_API __attribute__((visibility("default")))
#else
#define COOLSD_API
#endif
#endif

/* What a call returns. */
typedef enum coolsd_status {
  COOLSD_OK = 0,
  COOLSD_INVALID_ARGUMENT = 1, /* named with its value by coolsd_last_error() */
  COOLSD_NO_BACKEND = 2,       /* not in this build, or no device */
  COOLSD_OUT_OF_MEMORY = 3,
  COOLSD_DEVICE_FAILED = 4 /* coolsd_last_error() has CUDA's words */
} coolsd_status;

/* What became of one sequence. Everything but COOLSD_ROW_OK leaves the sequence without tokens (-1), and touches no other. */
typedef enum coolsd_row_status {
  COOLSD_ROW_OK = 0,
  COOLSD_ROW_NAN = 1,            /* a logit that was read is NaN */
  COOLSD_ROW_INFINITE = 2,       /* a logit that was read is +inf */
  COOLSD_ROW_EMPTY = 3,          /* all logits of a row are -inf, or the window is masked entirely */
  COOLSD_ROW_TOKEN_OUT_OF_RANGE = 4, /* a draft token below 0 or not below the vocabulary size */
  COOLSD_ROW_NORMALISER = 5,         /* a draft normaliser that does not belong to its row */
  COOLSD_ROW_DRAFT_LENGTH = 6,       /* a draft length below 0 or above L */
  COOLSD_ROW_SAMPLING = 7,           /* a sampling of the call's own that is out of range */
  COOLSD_ROW_FACTOR = 8              /* a factor or drift budget of the call's own that is negative, NaN or infinite */
} coolsd_row_status;

typedef enum coolsd_dtype { COOLSD_F32 = 0, COOLSD_F16 = 1, COOLSD_BF16 = 2 } coolsd_dtype;

typedef enum coolsd_backend { COOLSD_CPU = 0, COOLSD_CUDA = 1 } coolsd_backend;

/*
 * What a uniform is drawn for; each (seed, position, purpose) is its own number: 53 bits of the Philox4x32-10 block of
 * (seed; position, purpose, sibling), where the sibling's number is 0 in chains.
 */
typedef enum coolsd_purpose {
  COOLSD_DRAFT = 0,
  COOLSD_ACCEPT = 1,
  COOLSD_RESAMPLE = 2,
  COOLSD_BONUS = 3
} coolsd_purpose;

/*
 * How logits become probabilities: guidance, temperature, window, top-k, top-p, in this order.
 * The guided logit is u + guidance (c - u), each operation rounded to f32; tokens are ordered by (guided logit, index).
 * coolsd_sampling_init() makes one that keeps everything.
 */
typedef struct coolsd_sampling {
  size_t struct_size;
  float temperature; /* >= 0; 0 is argmax, ties to the lowest index */
  /*
   * logits = unconditional + guidance (conditional - unconditional); unused without the latter. A sequence whose
   * unconditional rows are its conditional ones, at the same address, has none, among others of its call that have.
   */
  float guidance;
  int32_t top_k;     /* keep the k largest, ties to the lowest index; 0 keeps all */
  float top_p;       /* keep the smallest set of largest with mass >= top_p, ties likewise; 1 keeps all */
  int32_t window_lo; /* tokens lo <= t < hi can be drawn; 0, 0 means all */
  int32_t window_hi;
} coolsd_sampling;

/* A view of logits: element (b, i, v) stands at data + (b batch_stride + i row_stride + v) elements. */
typedef struct coolsd_logits {
  const void* data; /* NULL: absent */
  int64_t batch_stride;
  int64_t row_stride;
  int32_t dtype; /* coolsd_dtype */
} coolsd_logits;

/*
 * What makes one row of logits a probability law: P(v) = exp((x_v - largest) / temperature) / mass for the tokens that
 * windows and cut-offs keep. coolsd_sample writes it, coolsd_verify takes it back instead of reading the row again.
 */
typedef struct coolsd_normaliser {
  double mass;       /* sum of the exponentials of the kept tokens, > 0 */
  float largest;     /* largest guided logit of the window */
  float cut_value;   /* kept are tokens above it, and those equal to it up to cut_index; -inf keeps all */
  int32_t cut_index;
  int32_t reserved;  /* 0 */
} coolsd_normaliser;

/* How much neighbouring probability LANTERN pools, and what it resamples from (docs/method.md, "Other rules"). */
typedef enum coolsd_lantern_rule {
  COOLSD_LANTERN = 0,          /* pooled sum at most bound */
  COOLSD_LANTERN_PLUS_PLUS = 1 /* pooled sum at most (bound - 1) P(x) */
} coolsd_lantern_rule;
typedef enum coolsd_lantern_residual {
  COOLSD_RESIDUAL_LANTERN = 0, /* Norm([P - Q 1(not pooled)]+) */
  COOLSD_RESIDUAL_OPTIMAL = 1  /* G* with the acceptance of every token: V k gathers, a reference */
} coolsd_lantern_residual;

typedef struct coolsd_lantern {
  size_t struct_size;
  const int32_t* neighbours; /* [V, k], nearest first, without the token itself; must outlive the verifier */
  int32_t k;                 /* 1..V-1 */
  int32_t rule;              /* coolsd_lantern_rule */
  float bound;               /* delta >= 0, or lambda >= 1 */
  int32_t residual;          /* coolsd_lantern_residual */
} coolsd_lantern;

/* How a draft is verified (docs/method.md). */
typedef enum coolsd_rule {
  COOLSD_RULE_BY_POINTER = 0, /* LANTERN where spec.lantern is given, else relaxed: what it was before there were rules */
  COOLSD_RULE_RELAXED = 1,    /* token by token with min(1, affine + omega P/Q) */
  COOLSD_RULE_LANTERN = 2,    /* token by token with LANTERN's acceptance */
  COOLSD_RULE_BLOCK = 3       /* block verification of the relaxed law; with omega = 1 it is lossless */
} coolsd_rule;

/* Where the factor omega_i of a draft position comes from. */
typedef enum coolsd_factors {
  COOLSD_FACTORS_GIVEN = 0,  /* it is omega[i] */
  COOLSD_FACTORS_BUDGET = 1, /* the largest in [1, omega[i]] whose drift D_i is at most the drift budget of the position */
  COOLSD_FACTORS_ENTROPY = 2 /* 1 + (omega[i] - 1) H(P_i) / log(tokens in the target's window), H in nats */
} coolsd_factors;

typedef struct coolsd_verifier coolsd_verifier;

typedef struct coolsd_verifier_spec {
  size_t struct_size;
  int32_t backend;      /* coolsd_backend */
  int32_t vocab;        /* V >= 2 */
  int32_t draft_length; /* L, 0..64 */
  const float* omega;   /* [L], finite, >= 0; copied */
  coolsd_sampling target;
  coolsd_sampling draft;
  const coolsd_lantern* lantern; /* with LANTERN's rule, and NULL with any other; then every omega must be 1 */
  int32_t device;                /* CUDA's ordinal; unused on the CPU */
  int32_t unused;                /* not looked at: callers of 0.1 have padding here */
  /* Since 0.2. */
  int32_t rule;       /* coolsd_rule */
  int32_t factors;    /* coolsd_factors; with LANTERN's rule COOLSD_FACTORS_GIVEN */
  float affine;       /* a >= 0 in min(1, a + omega P/Q), which is 0 where P = 0; with the relaxed rule only, else 0, as with a budget */
  float drift_budget; /* of every draft position with COOLSD_FACTORS_BUDGET, >= 0; a call can give its own */
} coolsd_verifier_spec;

typedef struct coolsd_verify_args {
  size_t struct_size;
  int32_t batch;                  /* B >= 1 */
  coolsd_logits target;           /* [B, L+1, V]; row i predicts draft position i+1 */
  coolsd_logits target_uncond;    /* [B, L+1, V] or absent */
  coolsd_logits draft;            /* [B, L, V] */
  coolsd_logits draft_uncond;     /* [B, L, V] or absent */
  const int32_t* draft_tokens;    /* [B, L] */
  const int32_t* draft_lengths;   /* [B], each 0..L; NULL: all L */
  const uint64_t* seeds;          /* [B]; the request's, with COOLSD_RULE_BLOCK coolsd_step_seed() */
  const uint64_t* positions;      /* [B]; absolute position of the first draft token */
  int32_t* tokens;                /* out [B, L+1]: accepted tokens, the drawn one, then -1 */
  int32_t* accepted;              /* out [B] */
  int32_t* status;                /* out [B], coolsd_row_status */
  const coolsd_normaliser* draft_normalisers; /* [B, L] as coolsd_sample wrote them, or NULL: computed from draft */
  double* drift;    /* out [B, L] or NULL: D = TV(Phat, P) of positions that emitted a token, 0 elsewhere */
  double* ratio;    /* out [B, L+1] or NULL: P/Phat of every emitted token, 1 elsewhere */
  double* log_prob; /* out [B, L+1] or NULL: log P of every emitted token, 0 elsewhere */
  void* stream;     /* cudaStream_t; unused on the CPU */
  /* Since 0.2; each may be NULL. */
  const float* omega;                     /* [B, L], finite, >= 0: instead of the verifier's */
  const float* drift_budget;              /* [B, L], finite, >= 0: instead of the verifier's */
  const coolsd_sampling* target_sampling; /* [B]: instead of the verifier's */
  const coolsd_sampling* draft_sampling;  /* [B]: instead of the verifier's */
  /* [B], in elements: where sequence b begins, instead of b batch_stride. Of packed, ragged or scattered logits. */
  const int64_t* target_offsets;
  const int64_t* target_uncond_offsets;
  const int64_t* draft_offsets;
  const int64_t* draft_uncond_offsets;
  float* factors; /* out [B, L]: the omega of every position that emitted a token, 0 elsewhere */
  /*
   * CUDA: whether draft_tokens, draft_lengths, seeds, positions, draft_normalisers, omega, drift_budget, samplings and offsets are
   * host memory. They are copied before the call returns: into the launch's parameters where they are few, else in one
   * transfer. 0 on the CPU, and in calls that a graph captures.
   */
  int32_t inputs_on_host;
  int32_t reserved; /* 0 */
} coolsd_verify_args;

typedef struct coolsd_sample_args {
  size_t struct_size;
  int32_t batch;
  coolsd_logits logits;        /* [B, 1, V] */
  coolsd_logits logits_uncond; /* [B, 1, V] or absent */
  int32_t purpose;             /* COOLSD_DRAFT: the draft's sampling; COOLSD_BONUS: the target's */
  const uint64_t* seeds;       /* [B]; of a draft for COOLSD_RULE_BLOCK coolsd_step_seed() */
  const uint64_t* positions;   /* [B]: absolute position of the token drawn */
  int32_t* tokens;             /* out [B], -1 where status is not COOLSD_ROW_OK */
  int32_t* status;             /* out [B], coolsd_row_status */
  coolsd_normaliser* normalisers; /* out [B] or NULL */
  void* stream;                /* cudaStream_t; unused on the CPU */
  /* Since 0.2; each may be NULL. A subset of a larger batch is a call with that many sequences and their offsets. */
  const coolsd_sampling* sampling;       /* [B]: instead of the verifier's for this purpose */
  const int64_t* logits_offsets;         /* [B], in elements: where the row of sequence b is, instead of b batch_stride */
  const int64_t* logits_uncond_offsets;  /* [B] likewise */
  double* log_prob;                      /* out [B]: log of the token's probability, 0 where status is not COOLSD_ROW_OK */
  int32_t inputs_on_host;                /* as in coolsd_verify_args: seeds, positions, sampling and offsets */
  int32_t reserved;                      /* 0 */
} coolsd_sample_args;

/* Version as major * 10000 + minor * 100 + patch: COOLSD_VERSION of the coolsd_version.h that the library was built with. */
COOLSD_API int32_t coolsd_version(void);

/* Words about this thread's last call that did not return COOLSD_OK; valid until its next call. */
COOLSD_API const char* coolsd_last_error(void);

/* The instruction set of the CPU backend, as Highway names it; the environment variable COOLSD_SIMD caps it. */
COOLSD_API const char* coolsd_simd(void);

/* COOLSD_OK if the backend can be used; otherwise coolsd_last_error() says why not. */
COOLSD_API coolsd_status coolsd_backend_status(int32_t backend);

/*
 * The seed of a step that begins at this absolute position, for seeds of COOLSD_RULE_BLOCK. A block is decided by all of its
 * draft and all of its uniforms, also those behind what it accepts; the next step draws tokens for the same positions, and
 * must not draw the same numbers, or whole sequences have another law. So the draft of a step is sampled, and the step is
 * verified, with coolsd_step_seed(seed of the request, position of the first draft token). The other rules need no more
 * than the request's seed.
 */
COOLSD_API uint64_t coolsd_step_seed(uint64_t seed, uint64_t position);

/* Fills in temperature 1, guidance 1 and no cut-off: the target's law as it is. */
COOLSD_API void coolsd_sampling_init(coolsd_sampling* sampling);

/* Makes a verifier; *out is freed with coolsd_verifier_destroy. */
COOLSD_API coolsd_status coolsd_verifier_create(const coolsd_verifier_spec* spec, coolsd_verifier** out);

/* Frees a verifier; NULL is ignored. */
COOLSD_API void coolsd_verifier_destroy(coolsd_verifier* verifier);

/*
 * Reserves device memory for calls of up to `batch` sequences, so that they allocate nothing and can be captured in a graph.
 * Larger calls reserve for themselves, which waits for the device. The memory is the verifier's: its calls must be in one
 * stream, or ordered. *bytes, unless NULL, is what is reserved now; 0 on the CPU, where there is nothing to do.
 */
COOLSD_API coolsd_status coolsd_verifier_reserve(coolsd_verifier* verifier, int32_t batch, size_t* bytes);

/*
 * Lets the verifier's device read and write host memory in place until it is unregistered; whole pages of the caller's own.
 * For small arrays (tokens, seeds, results); logits belong in device memory. Nothing to do on the CPU.
 */
COOLSD_API coolsd_status coolsd_host_register(coolsd_verifier* verifier, void* memory, size_t bytes);
COOLSD_API coolsd_status coolsd_host_unregister(coolsd_verifier* verifier, void* memory);

/* Waits until the work queued in a stream (cudaStream_t) is done. Nothing to do on the CPU. */
COOLSD_API coolsd_status coolsd_synchronize(coolsd_verifier* verifier, void* stream);

/*
 * One decoding step: accepts a prefix of each sequence's draft and draws one token more. Draft token i (from 0) uses
 * the uniform of (seed, position + i, COOLSD_ACCEPT), with every rule; the token drawn after n accepted ones that of
 * (seed, position + n, COOLSD_RESAMPLE) after a rejection and (seed, position + n, COOLSD_BONUS) otherwise.
 * Rows are judged in the order in which the rule needs them, and one that it does not need is not judged: token by token
 * those up to the first rejection, a block's all of the draft, up to a position where nothing can be accepted any more.
 */
COOLSD_API coolsd_status coolsd_verify(coolsd_verifier* verifier, const coolsd_verify_args* args);

/* Draws one token per sequence: what verify does with draft length 0 when the purpose is COOLSD_BONUS. */
COOLSD_API coolsd_status coolsd_sample(coolsd_verifier* verifier, const coolsd_sample_args* args);

#ifdef __cplusplus
}
#endif

#endif
