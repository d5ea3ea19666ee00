/*
 * The training step and greedy decoding in C, on one thread: our own rendering of the model, to see what a compiler for this machine
 * makes of the same mathematics. gcc vector extensions; a lane is an example. LANES is 4, 8 or 16 (128, 256 or 512 bits). A library, which
 * native.mjs calls.
 *
 * The same shortcuts as assembly/: only the twelve positions that the loss reads have queries; what depends on a token and its position alone is
 * computed once a step, in `slots`; keys and values are the normalized input itself, because their matrices can be applied to the query and to the
 * attention's sum instead, and of its seven entries the first six, because their sum is 0.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { D = 7, K = 6, F = 14, T = 14, S = 33, FIRST = 21, Q = 12, PARAMETERS = 763 };
enum { TOK = 0, POS = 98, N1 = 343, QKV = 357, PROJ = 504, N2 = 553, W1 = 567, W2 = 665 }; /* a norm's bias is 7 after its weight */
enum { BLOCKS = 16 / LANES }; /* of tokens, a lane each; two are none */

static const float ROOT = 0.37796447f, UNIT = M_LOG2E * 0.37796447; /* of scores: 1 / sqrt(7), and that of their powers of 2 */

typedef float V __attribute__((vector_size(4 * LANES)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

INLINE V splat(float x) { return x - (V){}; }
INLINE V choose(I which, V x, V y) { return (V)((which & (I)x) | (~which & (I)y)); }
INLINE V larger(V x, V y) {
  UNROLL for (int e = 0; e < LANES; e++) x[e] = x[e] > y[e] ? x[e] : y[e]; /* gcc makes one instruction of it */
  return x;
}
INLINE float total(V x) {
  float sum = 0;
  UNROLL for (int e = 0; e < LANES; e++) sum += x[e];
  return sum;
}
INLINE V dot(int n, const V *x, const V *y) {
  V sum = x[0] * y[0];
  UNROLL for (int i = 1; i < n; i++) sum += x[i] * y[i];
  return sum;
}

/* 2^x for x <= 0: x = n + f, 2^f by its minimax polynomial, n into the exponent */
INLINE V exp2V(V x) {
  x = larger(x, splat(-126));
  V shifted = x + 12582912.f, f = x - (shifted - 12582912.f);
  V p = ((((f * 0.0013264727f + 0.0096715130f) * f + 0.0555073359f) * f + 0.2402224243f) * f + 0.6931470037f) * f + 1.f;
  return (V)((I)p + ((I)shifted << 23));
}

/* GELU(x) = x Phi(x) and its derivative Phi(x) + x phi(x); Phi by Abramowitz and Stegun 7.1.26, error below 1e-7 */
INLINE V gelu(V x, V *derivative) {
  V e = exp2V(x * x * -0.72134752f), size = (V)((I)x & 0x7fffffff), t = 1.f / (size * 0.23164189f + 1.f);
  V tail = ((((t * 0.530702715f - 0.726576013f) * t + 0.710706870f) * t - 0.142248368f) * t + 0.127414796f) * t * e;
  V phi = choose((I)x >> 31, tail, 1.f - tail);
  *derivative = phi + x * e * 0.39894228f;
  return x * phi;
}

/* normalized x and 1 / deviation */
INLINE V normalize(V *n, const V *x) {
  V mean = x[0], square = {};
  UNROLL for (int f = 1; f < D; f++) mean += x[f];
  mean /= (float)D;
  UNROLL for (int f = 0; f < D; f++) n[f] = x[f] - mean, square += n[f] * n[f];
  V r;
  square = square / (float)D + 1e-5f;
  UNROLL for (int e = 0; e < LANES; e++) r[e] = sqrtf(square[e]); /* also one */
  r = 1.f / r;
  UNROLL for (int f = 0; f < D; f++) n[f] *= r;
  return r;
}

/* dx += (dn - mean(dn) - n mean(dn n)) r */
INLINE void normalizeBackward(V *dx, const V *dn, const V *n, V r) {
  V mean = {}, along = dot(D, dn, n) / (float)D;
  UNROLL for (int f = 0; f < D; f++) mean += dn[f];
  UNROLL for (int f = 0; f < D; f++) dx[f] += (dn[f] - mean / (float)D - n[f] * along) * r;
}

/* A matrix (outputs, inputs), each weight in all lanes; its transpose; the sums of its gradient, per lane. */
typedef struct { V w[F * T], transposed[F * T], d[F * T]; } Matrix;

static void load(Matrix *m, int outputs, int inputs, const float *w) {
  memset(m->d, 0, sizeof m->d);
  for (int o = 0; o < outputs; o++)
    for (int i = 0; i < inputs; i++) m->w[o * inputs + i] = m->transposed[i * outputs + o] = splat(w[o * inputs + i]);
}

static void addTotals(int count, float *gradient, const V *d) {
  for (int i = 0; i < count; i++) gradient[i] += total(d[i]);
}

/* y (rows, outputs) = or += x (rows, inputs) w^T */
INLINE void linear(int rows, int inputs, int outputs, int add, V *y, const V *x, const V *w) {
  const int together = outputs % 7 ? 6 : 7;
  for (int r = 0; r < rows; r++)
    UNROLL for (int o = 0; o < outputs; o += together) {
      V sum[7], *to = &y[r * outputs + o];
      UNROLL for (int a = 0; a < together; a++) sum[a] = dot(inputs, &x[r * inputs], &w[(o + a) * inputs]);
      UNROLL for (int a = 0; a < together; a++) to[a] = add ? to[a] + sum[a] : sum[a];
    }
}

/* dw (outputs, inputs) += dy^T x, summed over rows */
INLINE void outer(int rows, int inputs, int outputs, V *dw, const V *dy, const V *x) {
  for (int o = 0; o < outputs; o++) {
    V sum[F];
    UNROLL for (int i = 0; i < inputs; i++) sum[i] = dw[o * inputs + i];
    for (int r = 0; r < rows; r++) UNROLL for (int i = 0; i < inputs; i++) sum[i] += dy[r * outputs + o] * x[r * inputs + i];
    UNROLL for (int i = 0; i < inputs; i++) dw[o * inputs + i] = sum[i];
  }
}

static float parameter[PARAMETERS], gradient[PARAMETERS], moment1[PARAMETERS], moment2[PARAMETERS];
static Matrix tok, w1, w2, scores, projection; /* the last two are folded */
static V dN2[2][D];

/* ---- folding: float matrices ---- */

/* out (n, m) += a (n, k) b (k, m); T: it is stored transposed */
INLINE void multiply(int n, int k, int m, float *out, const float *a, int aT, const float *b, int bT) {
  for (int i = 0; i < n; i++)
    for (int l = 0; l < k; l++)
      for (int j = 0; j < m; j++) out[i * m + j] += a[aT ? l * n + i : i * k + l] * b[bT ? j * k + l : l * m + j];
}

/* of c, K entries of a normalized input and a 1 for its bias, all that attention reads is linear: queries, keys and values are qkv c, */
/* and qkv is the matrix of the weights times that of LayerNorm's, `norms`, whose rows are for the entries of c */
enum { C = K + 1, SIZE = D * C };
static float norms[C * D], qkv[3 * SIZE], *keyOf = qkv + SIZE, *valueOf = qkv + 2 * SIZE;

/* scores: of c the query in the basis of the keys; projection: of attention's sum what it adds to x */
static void fold(void) {
  const float *p = parameter;
  float square[C * C] = {}, sum[SIZE] = {};
  memset(qkv, 0, sizeof qkv);
  for (int r = 0; r < K; r++) norms[r * D + r] = p[N1 + r], norms[r * D + K] = -p[N1 + K]; /* the last entry is minus the sum of the others */
  memcpy(norms + K * D, p + N1 + D, D * sizeof *p);
  multiply(3 * D, D, C, qkv, p + QKV, 0, norms, 1);
  multiply(C, D, C, square, keyOf, 1, qkv, 0);
  multiply(D, D, C, sum, p + PROJ, 0, valueOf, 0);
  load(&scores, K, C, square), load(&projection, D, C, sum);
  load(&tok, T, D, p + TOK), load(&w1, F, D, p + W1), load(&w2, D, F, p + W2);
}

static void foldBackward(void) {
  float *p = parameter, *g = gradient, dSquare[C * C] = {}, dSum[SIZE] = {}, dQkv[3 * SIZE] = {}, dNorms[C * D] = {};
  addTotals(K * C, dSquare, scores.d), addTotals(SIZE, dSum, projection.d);
  multiply(D, C, C, dQkv, keyOf, 0, dSquare, 0);
  multiply(D, C, C, dQkv + SIZE, qkv, 0, dSquare, 1);
  multiply(D, D, C, dQkv + 2 * SIZE, p + PROJ, 1, dSum, 0);
  multiply(D, C, D, g + PROJ, dSum, 0, valueOf, 1);
  multiply(3 * D, C, D, g + QKV, dQkv, 0, norms, 0);
  multiply(C, 3 * D, D, dNorms, dQkv, 1, p + QKV, 0);
  for (int r = 0; r < K; r++) g[N1 + r] += dNorms[r * D + r], g[N1 + K] -= dNorms[r * D + K];
  for (int f = 0; f < D; f++) g[N1 + D + f] += dNorms[K * D + f];
}

/* ---- what depends on a token and its position alone ---- */

/* of each slot and token: c, which is the key, and from FIRST on the query, and x */
enum { QUERY = C, X = C + K, ROW = C + K + D };
static float slot[S][16][ROW], dSlot[S][16][ROW];
static V slotRow[S][BLOCKS][ROW], slotN[S][BLOCKS][D], slotR[S][BLOCKS];

static void slots(void) {
  fold();
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V *row = slotRow[s][b], *x = row + X;
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES; e++) x[f][e] = parameter[TOK + (b * LANES + e) * D + f] + parameter[POS + s * D + f];
      slotR[s][b] = normalize(slotN[s][b], x);
      for (int f = 0; f < C; f++) row[f] = f < K ? slotN[s][b][f] : splat(1);
      linear(1, C, K, 0, row + QUERY, row, scores.w);
      for (int f = 0; f < (s < FIRST ? K : ROW); f++)
        for (int e = 0; e < LANES; e++) slot[s][b * LANES + e][f] = row[f][e];
    }
  memset(dSlot, 0, sizeof dSlot), memset(dN2, 0, sizeof dN2);
}

static void slotsBackward(void) {
  float *g = gradient;
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V d[ROW] = {}, *dx = d + X;
      for (int f = 0; f < (s < FIRST ? K : ROW); f++)
        for (int e = 0; e < LANES; e++) d[f][e] = dSlot[s][b * LANES + e][f];
      outer(1, C, K, scores.d, d + QUERY, slotRow[s][b]);
      linear(1, K, C, 1, d, d + QUERY, scores.transposed);
      d[K] = splat(0);
      normalizeBackward(dx, d, slotN[s][b], slotR[s][b]);
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES; e++) g[TOK + (b * LANES + e) * D + f] += dx[f][e], g[POS + s * D + f] += dx[f][e];
    }
  addTotals(T * D, g + TOK, tok.d), addTotals(F * D, g + W1, w1.d), addTotals(D * F, g + W2, w2.d), addTotals(2 * D, g + N2, dN2[0]);
  foldBackward();
}

/* ---- a tile: LANES examples ---- */

typedef int32_t Tokens[S], Targets[Q];

static V key[S][K], query[Q][K], x1[Q][D], share[Q][S], inverse[Q], mixed[Q][C], norm[Q][D], y[Q][D], r2[Q], hidden[Q][F], derivative[Q][F], x3[Q][D], logits[Q][T];

INLINE void gather(int s, const Tokens *tokens) {
  for (int e = 0; e < LANES; e++) {
    const float *row = slot[s][tokens[e][s]];
    UNROLL for (int f = 0; f < K; f++) key[s][f][e] = row[f];
    if (s < FIRST) continue;
    UNROLL for (int f = 0; f < K; f++) query[s - FIRST][f][e] = row[QUERY + f];
    UNROLL for (int f = 0; f < D; f++) x1[s - FIRST][f][e] = row[X + f];
  }
}

/* softmax over the keys that a query sees, before its division by the sum, and the keys' mean by these shares */
INLINE void attend(int q) {
  const int keys = q + FIRST + 1;
  V most = splat(-1e30f), sum = {}, mix[K] = {};
  for (int j = 0; j < keys; j++) share[q][j] = dot(K, query[q], key[j]), most = larger(share[q][j], most);
  for (int j = 0; j < keys; j++) share[q][j] = exp2V((share[q][j] - most) * UNIT), sum += share[q][j];
  for (int j = 0; j < keys; j++) UNROLL for (int f = 0; f < K; f++) mix[f] += share[q][j] * key[j][f];
  inverse[q] = 1.f / sum;
  UNROLL for (int f = 0; f < K; f++) mixed[q][f] = mix[f] * inverse[q];
  mixed[q][K] = splat(1);
}

/* from the attention's sums to the logits, for rows q on */
INLINE void afterAttention(int q, int rows) {
  linear(rows, C, D, 1, x1[q], mixed[q], projection.w);
  for (int a = q; a < q + rows; a++) {
    r2[a] = normalize(norm[a], x1[a]);
    UNROLL for (int f = 0; f < D; f++) y[a][f] = norm[a][f] * parameter[N2 + f] + parameter[N2 + D + f], x3[a][f] = x1[a][f];
  }
  linear(rows, D, F, 0, hidden[q], y[q], w1.w);
  for (int a = q; a < q + rows; a++)
    for (int h = 0; h < F; h++) hidden[a][h] = gelu(hidden[a][h], &derivative[a][h]);
  linear(rows, F, D, 1, x3[q], hidden[q], w2.w);
  linear(rows, D, T, 0, logits[q], x3[q], tok.w);
}

/* forward and backward of a tile: adds to the gradients, gives the sum of the losses */
static float trainTile(const Tokens *tokens, const Targets *targets, float weight) {
  for (int s = 0; s < S; s++) gather(s, tokens);
  for (int q = 0; q < Q; q++) attend(q);
  afterAttention(0, Q);

  /* cross-entropy: logits become their gradient */
  V right = {}, product = splat(1), most = {};
  for (int q = 0; q < Q; q++) {
    for (int e = 0; e < LANES; e++) right[e] += logits[q][targets[e][q]][e];
    V best = logits[q][0], sum = {};
    UNROLL for (int t = 1; t < T; t++) best = larger(logits[q][t], best);
    UNROLL for (int t = 0; t < T; t++) logits[q][t] = exp2V((logits[q][t] - best) * (float)M_LOG2E), sum += logits[q][t];
    most += best, product *= sum, sum = weight / sum;
    UNROLL for (int t = 0; t < T; t++) logits[q][t] *= sum;
    for (int e = 0; e < LANES; e++) logits[q][targets[e][q]][e] -= weight;
  }
  float loss = total(most - right);
  for (int e = 0; e < LANES; e++) loss += logf(product[e]);

  /* back to the attention's sums */
  static V dx3[Q][D], dHidden[Q][F], dy[Q][D], dMixed[Q][C], back[Q][S];
  linear(Q, T, D, 0, dx3[0], logits[0], tok.transposed);
  outer(Q, D, T, tok.d, logits[0], x3[0]);
  linear(Q, D, F, 0, dHidden[0], dx3[0], w2.transposed);
  outer(Q, F, D, w2.d, dx3[0], hidden[0]);
  for (int q = 0; q < Q; q++) UNROLL for (int h = 0; h < F; h++) dHidden[q][h] *= derivative[q][h];
  linear(Q, F, D, 0, dy[0], dHidden[0], w1.transposed);
  outer(Q, D, F, w1.d, dHidden[0], y[0]);
  for (int q = 0; q < Q; q++) {
    UNROLL for (int f = 0; f < D; f++) dN2[0][f] += dy[q][f] * norm[q][f], dN2[1][f] += dy[q][f], dy[q][f] *= parameter[N2 + f];
    normalizeBackward(dx3[q], dy[q], norm[q], r2[q]);
  }
  linear(Q, D, C, 0, dMixed[0], dx3[0], projection.transposed);
  outer(Q, C, D, projection.d, dx3[0], mixed[0]);

  /* attention: `back` is the gradient of the scores */
  for (int q = 0; q < Q; q++) {
    V d[K], dq[K] = {};
    UNROLL for (int f = 0; f < K; f++) dMixed[q][f] *= inverse[q], d[f] = dMixed[q][f] * ROOT;
    const V along = dot(K, d, mixed[q]);
    for (int j = 0; j <= q + FIRST; j++) {
      back[q][j] = share[q][j] * (dot(K, d, key[j]) - along);
      UNROLL for (int f = 0; f < K; f++) dq[f] += back[q][j] * key[j][f];
    }
    for (int e = 0; e < LANES; e++) {
      float *row = dSlot[q + FIRST][tokens[e][q + FIRST]];
      UNROLL for (int f = 0; f < K; f++) row[QUERY + f] += dq[f][e];
      UNROLL for (int f = 0; f < D; f++) row[X + f] += dx3[q][f][e];
    }
  }
  for (int j = 0; j < S; j++) {
    V dk[K] = {};
    for (int q = j < FIRST ? 0 : j - FIRST; q < Q; q++)
      UNROLL for (int f = 0; f < K; f++) dk[f] += back[q][j] * query[q][f] + share[q][j] * dMixed[q][f];
    for (int e = 0; e < LANES; e++) {
      float *row = dSlot[j][tokens[e][j]];
      UNROLL for (int f = 0; f < K; f++) row[f] += dk[f][e];
    }
  }
  return loss;
}

/* from here on no denormal numbers on the thread that calls */
static void start(const float *weights) {
#ifdef __SSE__
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
  memcpy(parameter, weights, sizeof parameter);
  slots();
}

/* loss and gradient of a batch of a multiple of LANES, then clipping at norm 1 and AdamW of the weights, whose moments are kept */
float train(float *weights, const Tokens *tokens, const Targets *targets, int batch, int step, float rate) {
  float loss = 0, square = 0;
  memset(gradient, 0, sizeof gradient);
  start(weights);
  for (int i = 0; i < batch; i += LANES) loss += trainTile(tokens + i, targets + i, 1.f / (Q * batch));
  slotsBackward();
  for (int i = 0; i < PARAMETERS; i++) square += gradient[i] * gradient[i];
  const float scale = fminf(1, 1 / (sqrtf(square) + 1e-6f)), c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.999, step);
  for (int i = 0; i < PARAMETERS; i++) {
    const float g = gradient[i] * scale;
    moment1[i] = 0.9f * moment1[i] + 0.1f * g, moment2[i] = 0.999f * moment2[i] + 0.001f * g * g;
    weights[i] -= rate * (moment1[i] / c1 / (sqrtf(moment2[i] / c2) + 1e-8f) + 0.1f * weights[i]);
  }
  return loss / (Q * batch);
}

/* the twelve likeliest tokens after each prompt, each fed back */
void decode(const float *weights, const Tokens *problems, Targets *decoded, int batch) {
  start(weights);
  for (int i = 0; i < batch; i += LANES) {
    Tokens tokens[LANES];
    memcpy(tokens, problems + i, sizeof tokens);
    for (int s = 0; s < FIRST; s++) gather(s, tokens);
    for (int q = 0; q < Q; q++) {
      gather(q + FIRST, tokens), attend(q), afterAttention(q, 1);
      V best = logits[q][0];
      I which = {};
      UNROLL for (int t = 1; t < T; t++) {
        I better = logits[q][t] > best;
        best = larger(logits[q][t], best), which = (which & ~better) | (t & better);
      }
      for (int e = 0; e < LANES; e++) {
        decoded[i + e][q] = which[e];
        if (q + 1 < Q) tokens[e][q + FIRST + 1] = which[e];
      }
    }
  }
}
