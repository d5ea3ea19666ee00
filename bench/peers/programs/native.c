/*
 * The training step and greedy decoding in C, on one thread: our own rendering of the model, to see what a compiler for this machine
 * makes of the same mathematics. gcc vector extensions; a lane is an example. LANES is 4, 8 or 16 (128, 256 or 512 bits).
 *
 *   gcc -O3 -DLANES=4 -mavx native.c -o native -lm
 *   ./native check FILE                                 the protocol of these programs is in ../protocol.ts
 *   ./native train|decode FILE BATCH SECONDS REPEATS
 *
 * The same shortcuts as assembly/: only the twelve positions that the loss reads have queries; what depends on a token and its position alone is
 * computed once a step, in `slots`; keys and values are the normalized input itself, in a basis of the six dimensions that are left without its mean,
 * because their matrices can be applied to the query and to the attention's sum instead.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { D = 7, K = 6, F = 14, T = 14, S = 33, FIRST = 21, Q = 12, EOS = 13, PARAMETERS = 763 };
enum { TOK = 0, POS = 98, N1 = 343, WQ = 357, WK = 406, WV = 455, PROJ = 504, N2 = 553, W1 = 567, W2 = 665 }; /* a norm's bias is 7 after its weight */
enum { BLOCKS = (T + LANES - 1) / LANES };                                                                     /* of tokens, a lane each */

typedef float V __attribute__((vector_size(4 * LANES)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

static float parameter[PARAMETERS], gradient[PARAMETERS], moment1[PARAMETERS], moment2[PARAMETERS];
static float basis[K][D], queryOf[K][D], valueOf[D][K], projection[D][K], constant[D]; /* folded matrices, see fold() */
static V tok[T][D], w1[F][D], w2[D][F], proj[D][K], tokT[D][T], w1T[D][F], w2T[F][D], projT[K][D]; /* a weight in all lanes; T: transposed */
static V dTok[T][D], dW1[F][D], dW2[D][F], dProj[D][K], dN2[2][D];                                  /* sums of gradients, per lane */

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

/* y (rows, outputs) = or += x (rows, inputs) w^T, 4 rows by 2 outputs at a time, or 1 by 7 */
INLINE void linear(int rows, int inputs, int outputs, int add, V *y, const V *x, const V *w) {
  const int byRows = rows % 4 ? 1 : 4, byOutputs = byRows == 4 ? 2 : 7;
  for (int r = 0; r < rows; r += byRows)
    UNROLL for (int o = 0; o < outputs; o += byOutputs) {
      V sum[4][7];
      UNROLL for (int a = 0; a < byRows; a++) UNROLL for (int b = 0; b < byOutputs; b++) if (o + b < outputs) {
        sum[a][b] = x[(r + a) * inputs] * w[(o + b) * inputs];
        UNROLL for (int i = 1; i < inputs; i++) sum[a][b] += x[(r + a) * inputs + i] * w[(o + b) * inputs + i];
      }
      UNROLL for (int a = 0; a < byRows; a++) UNROLL for (int b = 0; b < byOutputs; b++) if (o + b < outputs) {
        V *to = &y[(r + a) * outputs + o + b];
        *to = add ? *to + sum[a][b] : sum[a][b];
      }
    }
}

/* dw (outputs, inputs) += dy^T x over the twelve rows, 2 by 4 at a time */
INLINE void outer(int inputs, int outputs, V *dw, const V *dy, const V *x) {
  for (int o = 0; o < outputs; o += 2)
    UNROLL for (int i = 0; i < inputs; i += 4) {
      V sum[2][4];
      UNROLL for (int a = 0; a < 2; a++) UNROLL for (int b = 0; b < 4; b++) if (o + a < outputs && i + b < inputs) sum[a][b] = dw[(o + a) * inputs + i + b];
      for (int q = 0; q < Q; q++)
        UNROLL for (int a = 0; a < 2; a++) UNROLL for (int b = 0; b < 4; b++) if (o + a < outputs && i + b < inputs)
          sum[a][b] += dy[q * outputs + o + a] * x[q * inputs + i + b];
      UNROLL for (int a = 0; a < 2; a++) UNROLL for (int b = 0; b < 4; b++) if (o + a < outputs && i + b < inputs) dw[(o + a) * inputs + i + b] = sum[a][b];
    }
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

/* dx += (dn - mean(dn) - n mean(dn n)) r, with dn = dy weight; adds to the gradients of weight and bias */
INLINE void normalizeBackward(V *dx, const V *dy, const V *n, V r, const float *weight, V *dWeight, V *dBias) {
  V dn[D], mean = {}, along = {};
  UNROLL for (int f = 0; f < D; f++) {
    dWeight[f] += dy[f] * n[f], dBias[f] += dy[f];
    dn[f] = dy[f] * weight[f], mean += dn[f], along += dn[f] * n[f];
  }
  UNROLL for (int f = 0; f < D; f++) dx[f] += (dn[f] - mean / (float)D - n[f] * (along / (float)D)) * r;
}

/* ---- what depends on a token and its position alone ---- */

static float slotKey[S][16][8], slotQuery[Q][16][8], slotX[Q][16][8], dKey[S][16][8], dQuery[Q][16][8], dX[Q][16][8];
static V slotN[S][BLOCKS][D], slotR[S][BLOCKS];

/* queryOf: of LN1's output the query, times log2(e) / sqrt(7), as the keys' coordinates want it; projection: of the attention's sum what it adds to x */
static void fold(void) {
  const float *p = parameter;
  for (int r = 0; r < K; r++)
    for (int f = 0; f < D; f++) basis[r][f] = f <= r ? 1 / sqrtf((r + 1) * (r + 2)) : f == r + 1 ? -sqrtf((r + 1) / (r + 2.f)) : 0;
  memset(queryOf, 0, sizeof queryOf), memset(valueOf, 0, sizeof valueOf), memset(projection, 0, sizeof projection), memset(constant, 0, sizeof constant);
  for (int i = 0; i < D; i++)
    for (int r = 0; r < K; r++) {
      float key = 0;
      for (int f = 0; f < D; f++) key += p[WK + i * D + f] * p[N1 + f] * basis[r][f], valueOf[i][r] += p[WV + i * D + f] * p[N1 + f] * basis[r][f];
      for (int f = 0; f < D; f++) queryOf[r][f] += key * p[WQ + i * D + f] * (float)(M_LOG2E / sqrt(7));
    }
  for (int o = 0; o < D; o++)
    for (int i = 0; i < D; i++) {
      for (int r = 0; r < K; r++) projection[o][r] += p[PROJ + o * D + i] * valueOf[i][r];
      for (int f = 0; f < D; f++) constant[o] += p[PROJ + o * D + i] * p[WV + i * D + f] * p[N1 + D + f];
    }
  for (int f = 0; f < D; f++) {
    for (int t = 0; t < T; t++) tok[t][f] = tokT[f][t] = splat(p[TOK + t * D + f]);
    for (int h = 0; h < F; h++) w1[h][f] = w1T[f][h] = splat(p[W1 + h * D + f]), w2[f][h] = w2T[h][f] = splat(p[W2 + f * F + h]);
    for (int r = 0; r < K; r++) proj[f][r] = projT[r][f] = splat(projection[f][r]);
  }
}

static void slots(void) {
  fold();
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V x[D], *n = slotN[s][b];
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES; e++) x[f][e] = b * LANES + e < T ? parameter[TOK + (b * LANES + e) * D + f] + parameter[POS + s * D + f] : 0;
      slotR[s][b] = normalize(n, x);
      for (int r = 0; r < K; r++) {
        V key = {}, query = {};
        for (int f = 0; f < D; f++) key += basis[r][f] * n[f], query += queryOf[r][f] * (n[f] * parameter[N1 + f] + parameter[N1 + D + f]);
        for (int e = 0; e < LANES; e++) slotKey[s][b * LANES + e][r] = key[e];
        for (int e = 0; e < LANES && s >= FIRST; e++) slotQuery[s - FIRST][b * LANES + e][r] = query[e];
      }
      for (int f = 0; f < D && s >= FIRST; f++)
        for (int e = 0; e < LANES; e++) slotX[s - FIRST][b * LANES + e][f] = x[f][e] + constant[f];
    }
  memset(dKey, 0, sizeof dKey), memset(dQuery, 0, sizeof dQuery), memset(dX, 0, sizeof dX);
  memset(dTok, 0, sizeof dTok), memset(dW1, 0, sizeof dW1), memset(dW2, 0, sizeof dW2), memset(dProj, 0, sizeof dProj), memset(dN2, 0, sizeof dN2);
}

static void slotsBackward(void) {
  float *p = parameter, *g = gradient, dFold[K][D], dConstant[D] = {};
  V dN1[2][D] = {}, dQueryOf[K][D] = {};
  for (int s = 0; s < S; s++)
    for (int b = 0; b < BLOCKS; b++) {
      V dx[D] = {}, dy[D] = {}, *n = slotN[s][b], dn[D] = {}, one[D] = {};
      for (int r = 0; r < K; r++) {
        V key, query = {};
        for (int e = 0; e < LANES; e++) key[e] = dKey[s][b * LANES + e][r];
        for (int e = 0; e < LANES && s >= FIRST; e++) query[e] = dQuery[s - FIRST][b * LANES + e][r];
        for (int f = 0; f < D; f++) dn[f] += key * basis[r][f];
        for (int f = 0; f < D && s >= FIRST; f++)
          dQueryOf[r][f] += query * (n[f] * p[N1 + f] + p[N1 + D + f]), dy[f] += query * queryOf[r][f];
      }
      for (int f = 0; f < D && s >= FIRST; f++)
        for (int e = 0; e < LANES; e++) dx[f][e] = dX[s - FIRST][b * LANES + e][f], dConstant[f] += dx[f][e];
      /* keys are the normalized input before weight and bias */
      V ignored[D] = {};
      float ones[D] = {1, 1, 1, 1, 1, 1, 1};
      normalizeBackward(dx, dn, n, slotR[s][b], ones, ignored, one);
      normalizeBackward(dx, dy, n, slotR[s][b], p + N1, dN1[0], dN1[1]);
      for (int f = 0; f < D; f++)
        for (int e = 0; e < LANES && b * LANES + e < T; e++) g[TOK + (b * LANES + e) * D + f] += dx[f][e], g[POS + s * D + f] += dx[f][e];
    }
  for (int f = 0; f < D; f++) {
    g[N1 + f] += total(dN1[0][f]), g[N1 + D + f] += total(dN1[1][f]), g[N2 + f] += total(dN2[0][f]), g[N2 + D + f] += total(dN2[1][f]);
    for (int t = 0; t < T; t++) g[TOK + t * D + f] += total(dTok[t][f]);
    for (int h = 0; h < F; h++) g[W1 + h * D + f] += total(dW1[h][f]), g[W2 + f * F + h] += total(dW2[f][h]);
    for (int r = 0; r < K; r++) dFold[r][f] = total(dQueryOf[r][f]) * (float)(M_LOG2E / sqrt(7));
  }
  /* backward of fold() */
  float value[D], dValueBias[D] = {};
  for (int i = 0; i < D; i++) {
    value[i] = 0;
    for (int f = 0; f < D; f++) value[i] += p[WV + i * D + f] * p[N1 + D + f];
  }
  for (int i = 0; i < D; i++) {
    for (int r = 0; r < K; r++) {
      float key = 0, dKeyOf = 0, dValue = 0;
      for (int f = 0; f < D; f++) key += p[WK + i * D + f] * p[N1 + f] * basis[r][f], dKeyOf += dFold[r][f] * p[WQ + i * D + f];
      for (int o = 0; o < D; o++) {
        float d = total(dProj[o][r]);
        g[PROJ + o * D + i] += d * valueOf[i][r], dValue += d * p[PROJ + o * D + i];
      }
      for (int f = 0; f < D; f++) {
        g[WQ + i * D + f] += dFold[r][f] * key;
        g[WK + i * D + f] += dKeyOf * p[N1 + f] * basis[r][f], g[WV + i * D + f] += dValue * p[N1 + f] * basis[r][f];
        g[N1 + f] += (dKeyOf * p[WK + i * D + f] + dValue * p[WV + i * D + f]) * basis[r][f];
      }
    }
    for (int o = 0; o < D; o++) g[PROJ + o * D + i] += dConstant[o] * value[i], dValueBias[i] += dConstant[o] * p[PROJ + o * D + i];
    for (int f = 0; f < D; f++) g[WV + i * D + f] += dValueBias[i] * p[N1 + D + f], g[N1 + D + f] += dValueBias[i] * p[WV + i * D + f];
  }
}

/* ---- a tile: LANES examples ---- */

typedef uint8_t Tokens[S + 1]; /* the sequence, and EOS, the last target */

static V key[S][K], query[Q][K], x1[Q][D], share[Q][S + 1], mixed[Q][K], norm[Q][D], y[Q][D], r2[Q], hidden[Q][F], derivative[Q][F], x3[Q][D], logits[Q][T];

INLINE void gatherKey(int s, const Tokens *tokens) {
  for (int e = 0; e < LANES; e++) UNROLL for (int f = 0; f < K; f++) key[s][f][e] = slotKey[s][tokens[e][s]][f];
}
INLINE void gatherQuery(int q, const Tokens *tokens) {
  for (int e = 0; e < LANES; e++) {
    UNROLL for (int f = 0; f < K; f++) query[q][f][e] = slotQuery[q][tokens[e][q + FIRST]][f];
    UNROLL for (int f = 0; f < D; f++) x1[q][f][e] = slotX[q][tokens[e][q + FIRST]][f];
  }
}

/* softmax and sum of the keys for `rows` (1 or 2) queries from q on; the second sees one key more */
INLINE void attend(int q, int rows) {
  const int keys = q + FIRST + 1;
  V most[2], sum[2] = {}, mix[2][K];
  UNROLL for (int a = 0; a < rows; a++) most[a] = splat(-INFINITY);
  for (int j = 0; j < keys + rows - 1; j++)
    UNROLL for (int a = 0; a < rows; a++) {
      V score = query[q + a][0] * key[j][0];
      UNROLL for (int f = 1; f < K; f++) score += query[q + a][f] * key[j][f];
      if (a < rows - 1 && j >= keys) score = splat(-INFINITY);
      share[q + a][j] = score, most[a] = larger(score, most[a]);
    }
  for (int j = 0; j < keys + rows - 1; j++)
    UNROLL for (int a = 0; a < rows; a++) share[q + a][j] = exp2V(share[q + a][j] - most[a]), sum[a] += share[q + a][j];
  UNROLL for (int a = 0; a < rows; a++) {
    sum[a] = 1.f / sum[a];
    UNROLL for (int f = 0; f < K; f++) mix[a][f] = (V){};
  }
  for (int j = 0; j < keys + rows - 1; j++)
    UNROLL for (int a = 0; a < rows; a++) {
      V p = share[q + a][j] *= sum[a];
      UNROLL for (int f = 0; f < K; f++) mix[a][f] += p * key[j][f];
    }
  UNROLL for (int a = 0; a < rows; a++) UNROLL for (int f = 0; f < K; f++) mixed[q + a][f] = mix[a][f];
}

/* from the attention's sums to the logits, for rows q on */
INLINE void afterAttention(int q, int rows) {
  linear(rows, K, D, 1, x1[q], mixed[q], proj[0]);
  for (int a = q; a < q + rows; a++) {
    r2[a] = normalize(norm[a], x1[a]);
    UNROLL for (int f = 0; f < D; f++) y[a][f] = norm[a][f] * parameter[N2 + f] + parameter[N2 + D + f], x3[a][f] = x1[a][f];
  }
  linear(rows, D, F, 0, hidden[q], y[q], w1[0]);
  for (int a = q; a < q + rows; a++)
    for (int h = 0; h < F; h++) hidden[a][h] = gelu(hidden[a][h], &derivative[a][h]);
  linear(rows, F, D, 1, x3[q], hidden[q], w2[0]);
  linear(rows, D, T, 0, logits[q], x3[q], tok[0]);
}

/* forward and backward of a tile: adds to the gradients, gives the sum of the losses */
static float trainTile(const Tokens *tokens, float weight) {
  for (int s = 0; s < S; s++) gatherKey(s, tokens);
  for (int q = 0; q < Q; q++) gatherQuery(q, tokens);
  for (int q = 0; q < Q; q += 2) attend(q, 2);
  afterAttention(0, Q);

  /* cross-entropy: logits become their gradient */
  V right = {}, product = splat(1), most = {};
  for (int q = 0; q < Q; q++) {
    for (int e = 0; e < LANES; e++) right[e] += logits[q][tokens[e][q + FIRST + 1]][e];
    V best = logits[q][0], sum = {};
    UNROLL for (int t = 1; t < T; t++) best = larger(logits[q][t], best);
    UNROLL for (int t = 0; t < T; t++) logits[q][t] = exp2V((logits[q][t] - best) * (float)M_LOG2E), sum += logits[q][t];
    most += best, product *= sum, sum = weight / sum;
    UNROLL for (int t = 0; t < T; t++) logits[q][t] *= sum;
    for (int e = 0; e < LANES; e++) logits[q][tokens[e][q + FIRST + 1]][e] -= weight;
  }
  float loss = total(most - right);
  for (int e = 0; e < LANES; e++) loss += logf(product[e]);

  /* back to the attention's sums */
  static V dx3[Q][D], dHidden[Q][F], dy[Q][D], dMixed[Q][K], back[Q][S + 1];
  linear(Q, T, D, 0, dx3[0], logits[0], tokT[0]);
  outer(D, T, dTok[0], logits[0], x3[0]);
  linear(Q, D, F, 0, dHidden[0], dx3[0], w2T[0]);
  outer(F, D, dW2[0], dx3[0], hidden[0]);
  for (int q = 0; q < Q; q++)
    for (int h = 0; h < F; h++) dHidden[q][h] *= derivative[q][h];
  linear(Q, F, D, 0, dy[0], dHidden[0], w1T[0]);
  outer(D, F, dW1[0], dHidden[0], y[0]);
  for (int q = 0; q < Q; q++) normalizeBackward(dx3[q], dy[q], norm[q], r2[q], parameter + N2, dN2[0], dN2[1]);
  linear(Q, D, K, 0, dMixed[0], dx3[0], projT[0]);
  outer(K, D, dProj[0], dx3[0], mixed[0]);

  /* attention: `back` is the gradient of the scores, in units of log2 */
  for (int q = 0; q < Q; q += 2) {
    V d[2][K], along[2] = {};
    UNROLL for (int a = 0; a < 2; a++) UNROLL for (int f = 0; f < K; f++) d[a][f] = dMixed[q + a][f] * (float)M_LN2, along[a] += d[a][f] * mixed[q + a][f];
    for (int j = 0; j < q + FIRST + 2; j++)
      UNROLL for (int a = 0; a < 2; a++) {
        V dShare = d[a][0] * key[j][0];
        UNROLL for (int f = 1; f < K; f++) dShare += d[a][f] * key[j][f];
        back[q + a][j] = share[q + a][j] * (dShare - along[a]);
      }
    V dq[2][K] = {};
    for (int j = 0; j < q + FIRST + 2; j++)
      UNROLL for (int a = 0; a < 2; a++) UNROLL for (int f = 0; f < K; f++) dq[a][f] += back[q + a][j] * key[j][f];
    UNROLL for (int a = 0; a < 2; a++)
      for (int e = 0; e < LANES; e++) {
        const int t = tokens[e][q + a + FIRST];
        UNROLL for (int f = 0; f < K; f++) dQuery[q + a][t][f] += dq[a][f][e];
        UNROLL for (int f = 0; f < D; f++) dX[q + a][t][f] += dx3[q + a][f][e];
      }
  }
  for (int j = 0; j < S; j += 2) {
    V dk[2][K] = {};
    for (int q = j < FIRST ? 0 : (j - FIRST) & ~1; q < Q; q++)
      UNROLL for (int a = 0; a < 2; a++) UNROLL for (int f = 0; f < K; f++) dk[a][f] += back[q][j + a] * query[q][f] + share[q][j + a] * dMixed[q][f];
    UNROLL for (int a = 0; a < 2; a++) if (j + a < S)
      for (int e = 0; e < LANES; e++) UNROLL for (int f = 0; f < K; f++) dKey[j + a][tokens[e][j + a]][f] += dk[a][f][e];
  }
  return loss;
}

/* loss and gradient of a batch of a multiple of LANES, then clipping at norm 1 and AdamW */
static float trainStep(const Tokens *tokens, int batch, int step, float rate) {
  float loss = 0, square = 0;
  memset(gradient, 0, sizeof gradient);
  slots();
  for (int i = 0; i < batch; i += LANES) loss += trainTile(tokens + i, 1.f / (Q * batch));
  slotsBackward();
  for (int i = 0; i < PARAMETERS; i++) square += gradient[i] * gradient[i];
  const float scale = fminf(1, 1 / (sqrtf(square) + 1e-6f)), c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.999, step);
  for (int i = 0; i < PARAMETERS; i++) {
    const float g = gradient[i] * scale;
    moment1[i] = 0.9f * moment1[i] + 0.1f * g, moment2[i] = 0.999f * moment2[i] + 0.001f * g * g;
    parameter[i] -= rate * (moment1[i] / c1 / (sqrtf(moment2[i] / c2) + 1e-8f) + 0.1f * parameter[i]);
  }
  return loss / (Q * batch);
}

/* the twelve likeliest tokens after each prompt, each fed back; needs slots() */
static void decodeTile(Tokens *tokens) {
  for (int s = 0; s < FIRST; s++) gatherKey(s, tokens);
  for (int q = 0; q < Q; q++) {
    gatherKey(q + FIRST, tokens), gatherQuery(q, tokens);
    attend(q, 1);
    afterAttention(q, 1);
    V best = logits[q][0];
    I which = {};
    UNROLL for (int t = 1; t < T; t++) {
      I better = logits[q][t] > best;
      best = larger(logits[q][t], best), which = (which & ~better) | (t & better);
    }
    for (int e = 0; e < LANES; e++) tokens[e][q + FIRST + 1] = which[e];
  }
}

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* reads the parameters and at most 64 problems; gives the number of problems */
static int readProblems(const char *name, Tokens *problems) {
  FILE *file = fopen(name, "rb");
  int32_t row[S], count = 0;
  if (!file || fread(parameter, 4, PARAMETERS, file) != PARAMETERS) return 0;
  for (; count < 64 && fread(row, 4, S, file) == S; count++)
    for (int s = 0; s <= S; s++) problems[count][s] = s < S ? row[s] : EOS;
  return count;
}

static void check(Tokens *problems, int count) {
  float start[PARAMETERS];
  memcpy(start, parameter, sizeof start);
  for (int step = 1; step <= 10; step++) printf("%s%.9g", step == 1 ? "{\"losses\":[" : ",", trainStep(problems, count, step, 0.02f));
  memcpy(parameter, start, sizeof start);
  slots();
  for (int i = 0; i < count; i += LANES) decodeTile(problems + i);
  for (int i = 0; i < count * Q; i++) printf("%s%d", i ? "," : "],\"tokens\":[", problems[i / Q][FIRST + 1 + i % Q]);
  puts("]}");
}

int main(int count, char **argument) {
#ifdef __SSE__
  _mm_setcsr(_mm_getcsr() | 0x8040); /* no denormal numbers */
#endif
  if (count != 3 && count != 6) return fputs("usage: native check FILE | native train|decode FILE BATCH SECONDS REPEATS\n", stderr), 2;
  static Tokens problems[64];
  const int known = readProblems(argument[2], problems);
  if (known == 0) return fprintf(stderr, "Cannot read %s\n", argument[2]), 2;
  if (count == 3) return check(problems, known), 0;
  const int train = !strcmp(argument[1], "train"), batch = atoi(argument[3]), repeats = atoi(argument[5]);
  const double duration = atof(argument[4]);
  Tokens *tokens = calloc(batch + LANES, sizeof *tokens);
  for (int i = 0; i < batch; i++) memcpy(tokens[i], problems[i % known], sizeof *tokens);
  for (int repeat = -1, step = 0; repeat < repeats; repeat++) {
    const double w = seconds(CLOCK_MONOTONIC), c = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double examples = 0, elapsed;
    do {
      if (train) trainStep(tokens, batch, ++step, 1e-3f);
      else {
        slots();
        for (int i = 0; i < batch; i += LANES) decodeTile(tokens + i);
      }
      examples += batch, elapsed = seconds(CLOCK_MONOTONIC) - w;
    } while (elapsed < duration);
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - c;
    if (repeat >= 0) printf("%s{\"wall\":%.0f,\"cpu\":%.0f}", repeat ? "," : "[", examples / elapsed, examples / cpu);
  }
  puts("]");
  return 0;
}
