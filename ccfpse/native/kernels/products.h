// The innermost loops: matrix products, a frequency at a time.

#pragma once

#include "vectors.h"

namespace {

// M[TILES][N_OUT] (+)= sum over inputs of V[n_in / LANES][TILES][LANES] · U[n_in][N_OUT]. Meanwhile `lines`
// cache lines for every LANES inputs are fetched from `ahead`: weights that the next products need.
template <class Kind, bool ADD, class Number = typename Kind::Number>
__attribute__((noinline)) void multiply(const Number* U, const Number* V, int64_t n_in, Number* M, const Number* ahead,
                                        int64_t lines) {
  typedef typename Kind::Register Register;
  constexpr int WIDTH = sizeof(Register) / sizeof(Number), N = N_OUT / WIDTH, TILES = Kind::TILES;
  Register sum[TILES][N];
#pragma GCC unroll 32
  for (int t = 0; t < TILES; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) sum[t][v] = ADD ? *(const Register*)(M + t * N_OUT + v * WIDTH) : Register{};
  for (; n_in > 0; n_in -= LANES, U += LANES * N_OUT, V += TILES * LANES) {
    for (int64_t j = 0; j < lines; ++j, ahead += 64 / sizeof(Number)) __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 2
    for (int i = 0; i < LANES; ++i) {
      Register u[N];
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) u[v] = *(const Register*)(U + i * N_OUT + v * WIDTH);
#pragma GCC unroll 32
      for (int t = 0; t < TILES; ++t)
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) sum[t][v] += V[t * LANES + i] * u[v];
    }
  }
#pragma GCC unroll 32
  for (int t = 0; t < TILES; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) *(Register*)(M + t * N_OUT + v * WIDTH) = sum[t][v];
}

// dU[N_ROWS inputs][N_OUT] += sum over tiles of V[tile][IC]ᵀ · dM[tile][N_OUT]
__attribute__((noinline)) void multiply_gradient(const float* V, int64_t IC, const float* dM, int64_t n_tiles,
                                                 float* dU) {
  Vector sum[N_ROWS][N_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) sum[i][v] = at(dU + i * N_OUT + v * LANES);
  for (int64_t t = 0; t < n_tiles; ++t, V += IC, dM += N_OUT) {
    Vector m[N_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) m[v] = at(dM + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < N_VECTORS; ++v) sum[i][v] += V[i] * m[v];
  }
#pragma GCC unroll 16
  for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) at(dU + i * N_OUT + v * LANES) = sum[i][v];
}

}  // namespace
