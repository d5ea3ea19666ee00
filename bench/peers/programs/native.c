/*
 * The training step and greedy decoding in C, on one thread: our own rendering of the model, to see what a compiler for this machine
 * makes of the same mathematics. gcc vector extensions; a lane is an example. LANES is 4, 8 or 16 (128, 256 or 512 bits). A library, which
 * native.mjs calls.
 *
 * The same shortcuts as assembly/: only the twelve positions that the loss reads have queries; what depends on a token and its position alone is
 * computed once a step, in `slots`; keys and values are the normalized input itself, in a basis of the six dimensions that are left without its mean,
 * because their matrices can be applied to the query and to the attention's sum instead.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { D = 7, K = 6, F = 14, T = 14, S = 33, FIRST = 21, Q = 12, PARAMETERS = 763 };
enum { TOK = 0, POS = 98, N1 = 343, WQ = 357, WK = 406, WV = 455, PROJ = 504, N2 = 553, W1 = 567, W2 = 665 }; /* a norm's bias is 7 after its weight */
enum { BLOCKS = 16 / LANES };                                                                                  /* of tokens, a lane each; two are none */

static const float ROOT = 0.37796447f, UNIT = M_LOG2E * 0.37796447; /* of scores: 1 / sqrt(7), and that of their powers of 2 */

typedef float V __attribute__((vector_size(4 * LANES)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

INLINE V splat(float x) { return x - (V){}; }
INLINE V choose(I which, V x, V y) { return (V)((which & (I)x) | (~which & (I)y)); }
#if defined __SSE__ && LANES == 4
INLINE V larger(V x, V y) { return __builtin_ia32_maxps(x, y); }
#elif defined __AVX__ && LANES == 8
INLINE V larger(V x, V y) { return __builtin_ia32_maxps256(x, y); }
#else
INLINE V larger(V x, V y) { return choose(x > y, x, y); }
#endif
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
  UNROLL for (int e = 0; e < LANES; e++) r[e] = sqrtf(square[e]); /* gcc makes one instruction of it */
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
static Matrix tok, w1, w2, basis, queryOf, projection; /* the last two are folded */
static V dN2[2][D];

/* ---- folding: float matrices ---- */

/* out (n, m) += a (n, k) b (k, m); T: it is stored transposed */
INLINE void multiply(int n, int k, int m, float *out, const float *a, int aT, const float *b, int bT) {
  for (int i = 0; i < n; i++)
    for (int l = 0; l < k; l++)
      for (int j = 0; j < m; j++) out[i * m + j] += a[aT ? l * n + i : i * k + l] * b[bT ? j * k + l : l * m + j];
}

/* scaled: the basis (K, D) times LayerNorm's weight; keyValue (2 D, K): a normalized input's coordinates to its key and value; */
/* bias: what LayerNorm's bias adds to a value; constant: and with it to x */
static float plain[K * D], scaled[K * D], keyValue[2 * D * K], *valueOf = keyValue + D * K, bias[D], constant[D];

static void fold(void) {
  const float *p = parameter;
  float query[K * D] = {}, sum[D * K] = {};
  memset(keyValue, 0, sizeof keyValue), memset(bias, 0, sizeof bias), memset(constant, 0, sizeof constant);
  for (int r = 0; r < K; r++)
    for (int f = 0; f < D; f++) {
      plain[r * D + f] = f <= r ? 1 / sqrtf((r + 1) * (r + 2)) : f == r + 1 ? -sqrtf((r + 1) / (r + 2.f)) : 0;
      scaled[r * D + f] = plain[r * D + f] * p[N1 + f];
    }
  multiply(2 * D, D, K, keyValue, p + WK, 0, scaled, 1);
  multiply(K, D, D, query, keyValue, 1, p + WQ, 0);
  multiply(D, D, K, sum, p + PROJ, 0, valueOf, 0);
  multiply(D, D, 1, bias, p + WV, 0, p + N1 + D, 0);
  multiply(D, D, 1, constant, p + PROJ, 0, bias, 0);
  load(&basis, K, D, plain), load(&queryOf, K, D, query), load(&projection, D, K, sum);
  load(&tok, T, D, p + TOK), load(&w1, F, D, p + W1), load(&w2, D, F, p + W2);
}

static void foldBackward(const float *dConstant) {
  float *p = parameter, *g = gradient, dQuery[K * D] = {}, dSum[D * K] = {}, dKeyValue[2 * D * K] = {}, dScaled[K * D] = {}, dBias[D] = {};
  addTotals(K * D, dQuery, queryOf.d), addTotals(D * K, dSum, projection.d);
  multiply(D, K, D, g + WQ, keyValue, 0, dQuery, 0);
  multiply(D, D, K, dKeyValue, p + WQ, 0, dQuery, 1);
  multiply(D, K, D, g + PROJ, dSum, 0, valueOf, 1);
  multiply(D, 1, D, g + PROJ, dConstant, 0, bias, 0);
  multiply(D, D, K, dKeyValue + D * K, p + PROJ, 1, dSum, 0);
  multiply(D, D, 1, dBias, p + PROJ, 1, dConstant, 0);
  multiply(2 * D, K, D, g + WK, dKeyValue, 0, scaled, 0);
  multiply(D, 1, D, g + WV, dBias, 0, p + N1 + D, 0);
  multiply(D, D, 1, g + N1 + D, p + WV, 1, dBias, 0);
  multiply(K, 2 * D, D, dScaled, dKeyValue, 1, p + WK, 0);
  for (int i = 0; i < K * D; i++) g[N1 + i % D] += dScaled[i] * plain[i];
}

/* ---- what depends on a token and its position alone ---- */

/* rows of floats by slot and token, which the tiles read and add to; vectors have a token in each lane */
static float slotKey[S][16][8], slotQuery[Q][16][8], slotX[Q][16][8], dKey[S][16][8], dQuery[Q][16][8], dX[Q][16][8];
static V slotN[S][BLOCKS][D], slotR[S][BLOCKS], slotY[Q][BLOCKS][D];

static void toRows(int slots, int width, float (*rows)[16][8], const V *vectors) {
  for (int i = 0; i < slots * BLOCKS * width; i++)
    for (int e = 0; e < LANES; e++) rows[i / width / BLOCKS][i / width % BLOCKS * LANES + e][i % width] = vectors[i][e];
}

static void toVectors(int slots, int width, V *vectors, float (*rows)[16][8]) {
  for (int i = 0; i < slots * BLOCKS * width; i++)
    for (int e = 0; e < LANES; e++) vectors[i][e] = rows[i / width / BLOCKS][i / width % BLOCKS * LANES + e][i % width];
}

static void slots(void) {
  static V keys[S * BLOCKS * K], queries[Q * BLOCKS * K], xs[Q][BLOCKS][D];
  fold();
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V x[D], *n = slotN[s][b];
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES; e++) x[f][e] = parameter[TOK + (b * LANES + e) * D + f] + parameter[POS + s * D + f];
      slotR[s][b] = normalize(n, x);
      for (int f = 0; f < D && s >= FIRST; f++) {
        xs[s - FIRST][b][f] = x[f] + constant[f];
        slotY[s - FIRST][b][f] = n[f] * parameter[N1 + f] + parameter[N1 + D + f];
      }
    }
  linear(S * BLOCKS, D, K, 0, keys, slotN[0][0], basis.w);
  linear(Q * BLOCKS, D, K, 0, queries, slotY[0][0], queryOf.w);
  toRows(S, K, slotKey, keys), toRows(Q, K, slotQuery, queries), toRows(Q, D, slotX, xs[0][0]);
  memset(dKey, 0, sizeof dKey), memset(dQuery, 0, sizeof dQuery), memset(dX, 0, sizeof dX), memset(dN2, 0, sizeof dN2);
}

static void slotsBackward(void) {
  static V dKeys[S * BLOCKS * K], dQueries[Q * BLOCKS * K], dXs[Q][BLOCKS][D], dn[S][BLOCKS][D], dy[Q][BLOCKS][D];
  V dN1[2][D] = {}, dTotal[D] = {};
  float *g = gradient, dConstant[D] = {};
  toVectors(S, K, dKeys, dKey), toVectors(Q, K, dQueries, dQuery), toVectors(Q, D, dXs[0][0], dX);
  linear(S * BLOCKS, K, D, 0, dn[0][0], dKeys, basis.transposed);
  linear(Q * BLOCKS, K, D, 0, dy[0][0], dQueries, queryOf.transposed);
  outer(Q * BLOCKS, D, K, queryOf.d, dQueries, slotY[0][0]);
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V dx[D] = {}, *n = slotN[s][b];
      for (int f = 0; f < D && s >= FIRST; f++) {
        const V d = dy[s - FIRST][b][f];
        dN1[0][f] += d * n[f], dN1[1][f] += d, dn[s][b][f] += d * parameter[N1 + f];
        dTotal[f] += dx[f] = dXs[s - FIRST][b][f];
      }
      normalizeBackward(dx, dn[s][b], n, slotR[s][b]);
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES; e++) g[TOK + (b * LANES + e) * D + f] += dx[f][e], g[POS + s * D + f] += dx[f][e];
    }
  addTotals(2 * D, g + N1, dN1[0]), addTotals(2 * D, g + N2, dN2[0]), addTotals(D, dConstant, dTotal);
  addTotals(T * D, g + TOK, tok.d), addTotals(F * D, g + W1, w1.d), addTotals(D * F, g + W2, w2.d);
  foldBackward(dConstant);
}

/* ---- a tile: LANES examples ---- */

typedef int32_t Tokens[S], Targets[Q];

static V key[S][K], query[Q][K], x1[Q][D], share[Q][S], inverse[Q], mixed[Q][K], norm[Q][D], y[Q][D], r2[Q], hidden[Q][F], derivative[Q][F], x3[Q][D], logits[Q][T];

INLINE void gatherKey(int s, const Tokens *tokens) {
  for (int e = 0; e < LANES; e++) {
    const int t = tokens[e][s];
    UNROLL for (int f = 0; f < K; f++) key[s][f][e] = slotKey[s][t][f];
  }
}
INLINE void gatherQuery(int q, const Tokens *tokens) {
  for (int e = 0; e < LANES; e++) {
    const int t = tokens[e][q + FIRST];
    UNROLL for (int f = 0; f < K; f++) query[q][f][e] = slotQuery[q][t][f];
    UNROLL for (int f = 0; f < D; f++) x1[q][f][e] = slotX[q][t][f];
  }
}

/* softmax over the keys that a query sees, before its division by the sum, and the keys' mean by these shares */
INLINE void attend(int q) {
  const int keys = q + FIRST + 1;
  V most = splat(-INFINITY), sum = {}, mix[K] = {};
  for (int j = 0; j < keys; j++) share[q][j] = dot(K, query[q], key[j]), most = larger(share[q][j], most);
  for (int j = 0; j < keys; j++) share[q][j] = exp2V((share[q][j] - most) * UNIT), sum += share[q][j];
  for (int j = 0; j < keys; j++) UNROLL for (int f = 0; f < K; f++) mix[f] += share[q][j] * key[j][f];
  inverse[q] = 1.f / sum;
  UNROLL for (int f = 0; f < K; f++) mixed[q][f] = mix[f] * inverse[q];
}

/* from the attention's sums to the logits, for rows q on */
INLINE void afterAttention(int q, int rows) {
  linear(rows, K, D, 1, x1[q], mixed[q], projection.w);
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
  for (int s = 0; s < S; s++) gatherKey(s, tokens);
  for (int q = 0; q < Q; q++) gatherQuery(q, tokens), attend(q);
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
  static V dx3[Q][D], dHidden[Q][F], dy[Q][D], dMixed[Q][K], back[Q][S];
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
  linear(Q, D, K, 0, dMixed[0], dx3[0], projection.transposed);
  outer(Q, K, D, projection.d, dx3[0], mixed[0]);

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
      const int t = tokens[e][q + FIRST];
      UNROLL for (int f = 0; f < K; f++) dQuery[q][t][f] += dq[f][e];
      UNROLL for (int f = 0; f < D; f++) dX[q][t][f] += dx3[q][f][e];
    }
  }
  for (int j = 0; j < S; j++) {
    V dk[K] = {};
    for (int q = j < FIRST ? 0 : j - FIRST; q < Q; q++)
      UNROLL for (int f = 0; f < K; f++) dk[f] += back[q][j] * query[q][f] + share[q][j] * dMixed[q][f];
    for (int e = 0; e < LANES; e++) {
      const int t = tokens[e][j];
      UNROLL for (int f = 0; f < K; f++) dKey[j][t][f] += dk[f][e];
    }
  }
  return loss;
}

/* from here on no denormal numbers on the thread that calls */
static void start(const float *weights) {
#ifdef __SSE__
  _mm_setcsr(_mm_getcsr() | 0x8040);
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
    for (int s = 0; s < FIRST; s++) gatherKey(s, tokens);
    for (int q = 0; q < Q; q++) {
      gatherKey(q + FIRST, tokens), gatherQuery(q, tokens), attend(q), afterAttention(q, 1);
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
