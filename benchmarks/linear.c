/* Gradient descent on one linear student in C, with sizes fixed at compile time, to compare with core.
   Symmetric A, one input and one output, L = e' M e, formulas as in
   core/training/closed_form/gradient.py. Constant lengths and aligned, padded rows let the compiler
   vectorise: cc -O3 -march=native -ffast-math -DD=50 -DK=20 -Dreal=double */
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define LANES (64 / sizeof(real))
#define WIDTH ((D + LANES - 1) / LANES * LANES)
typedef real row[WIDTH] __attribute__((aligned(64)));

static row A[D], dA[D], G[K], H[K], T[K], b, c;
static real v[K], error[K];

static real step(const real *M, const real *target, real lr) {
  memcpy(G[0], c, sizeof c);
  memcpy(H[0], b, sizeof b);
  for (int j = 1; j < K; j++) {
    row g = {0}, h = {0};
    for (int r = 0; r < D; r++) {
      real x = G[j - 1][r], y = H[j - 1][r];
      for (int i = 0; i < WIDTH; i++) { g[i] += x * A[r][i]; h[i] += y * A[r][i]; }
    }
    memcpy(G[j], g, sizeof g);
    memcpy(H[j], h, sizeof h);
  }
  real loss = 0;
  for (int j = 0; j < K; j++) {
    real sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += c[i] * H[j][i];
    error[j] = sum - target[j];
  }
  for (int j = 0; j < K; j++) {
    real sum = 0;
    for (int i = 0; i < K; i++) sum += M[j * K + i] * error[i];
    loss += sum * error[j];
    v[j] = 2 * sum;
  }
  if (!(loss <= 1e12)) return loss;
  for (int r = 0; r < K - 1; r++) {
    row t = {0};
    for (int s = 0; s < K - 1 - r; s++)
      for (int i = 0; i < WIDTH; i++) t[i] += v[r + s + 1] * H[s][i];
    memcpy(T[r], t, sizeof t);
  }
  row db = {0}, dc = {0};
  for (int j = 0; j < K; j++)
    for (int i = 0; i < WIDTH; i++) { db[i] += v[j] * G[j][i]; dc[i] += v[j] * H[j][i]; }
  for (int i = 0; i < D; i++) {
    row sum = {0};
    for (int r = 0; r < K - 1; r++) {
      real x = G[r][i];
      for (int j = 0; j < WIDTH; j++) sum[j] += x * T[r][j];
    }
    memcpy(dA[i], sum, sizeof sum);
  }
  for (int i = 0; i < D; i++)
    for (int j = 0; j < D; j++) A[i][j] -= lr * (dA[i][j] + dA[j][i]) / 2;
  for (int i = 0; i < D; i++) { b[i] -= lr * db[i]; c[i] -= lr * dc[i]; }
  return loss;
}

/* Trains theta, which is A, then b, then c, in place; returns the last loss. Subnormal numbers are zero meanwhile. */
double train(real *theta, const real *M, const real *target, double lr, long steps) {
#if defined(__x86_64__)
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040);
#endif
  for (int i = 0; i < D; i++) memcpy(A[i], theta + i * D, D * sizeof(real));
  memcpy(b, theta + D * D, D * sizeof(real));
  memcpy(c, theta + D * D + D, D * sizeof(real));
  real loss = 0;
  for (long n = 0; n < steps; n++) loss = step(M, target, (real)lr);
  for (int i = 0; i < D; i++) memcpy(theta + i * D, A[i], D * sizeof(real));
  memcpy(theta + D * D, b, D * sizeof(real));
  memcpy(theta + D * D + D, c, D * sizeof(real));
#if defined(__x86_64__)
  _mm_setcsr(mode);
#endif
  return loss;
}
