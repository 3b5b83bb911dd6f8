// Weights of a 3x3 convolution, transformed for the products.

#pragma once

#include "vectors.h"
#include "winograd.h"

namespace {

// Where an element of the weight w (OC, IC, 3, 3) stands: output o, input i, position k of the 3x3.
struct Weights {
  const float* w;
  int64_t out_step, in_step;
  bool flipped;
  float operator()(int64_t o, int64_t i, int k) const {
    return w[o * out_step + i * in_step + (flipped ? 8 - k : k)];
  }
};

// Exchanges lanes so that, over D = 8, 4, 2, 1, sixteen vectors become their transpose.
template <int D>
inline void transpose_step(Vector* r) {
  typedef int32_t Lanes __attribute__((vector_size(4 * LANES)));
  Lanes first, second;
  for (int l = 0; l < LANES; ++l) {
    first[l] = l & D ? LANES + (l ^ D) : l;
    second[l] = l & D ? LANES + l : l ^ D;
  }
#pragma GCC unroll 16
  for (int i = 0; i < LANES; ++i)
    if (!(i & D)) {
      Vector a = r[i], b = r[i | D];
#ifdef __clang__
      for (int l = 0; l < LANES; ++l) {
        r[i][l] = first[l] < LANES ? a[first[l]] : b[first[l] - LANES];
        r[i | D][l] = second[l] < LANES ? a[second[l]] : b[second[l] - LANES];
      }
#else
      r[i] = __builtin_shuffle(a, b, first);
      r[i | D] = __builtin_shuffle(a, b, second);
#endif
    }
}
inline void transpose(Vector* r) {
  transpose_step<8>(r), transpose_step<4>(r), transpose_step<2>(r), transpose_step<1>(r);
}

// The frequencies that lead from some inputs to N_OUT outputs: U[36][n_in][N_OUT], frequencies U_step numbers apart.
// Lane l is output first_out + l·out_step, row i input first_in + i·in_step; what is beyond n_out, n_real is zero.
struct Slice {
  int64_t first_out, out_step, n_out, first_in, in_step, n_real, n_in;
};
template <class Number>
void transform_weights(const Weights& w, const Slice& slice, int64_t U_step, Number* U, float factor = 1) {
  const bool in_rows = w.in_step == 9 && slice.in_step == 1 && !w.flipped;  // a lane's inputs lie in a row
  for (int v = 0; v < N_OUT; v += LANES)
    for (int64_t i = 0; i < slice.n_in; i += LANES) {
      Vector g[9 * LANES];  // [input][position]
      const int64_t lanes = std::clamp<int64_t>(slice.n_out - v, 0, LANES);
      const int64_t rows = std::clamp<int64_t>(slice.n_real - i, 0, LANES);
      if (in_rows && lanes == LANES && rows == LANES) {
        for (int part = 0; part < 9; ++part) {
          for (int l = 0; l < LANES; ++l)
            g[part * LANES + l] = load(w.w + (slice.first_out + (v + l) * slice.out_step) * w.out_step +
                                       (slice.first_in + i) * 9 + part * LANES);
          transpose(g + part * LANES);
        }
      } else {
        std::fill(g, g + 9 * LANES, Vector{});
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t l = 0; l < lanes; ++l)
            for (int k = 0; k < 9; ++k)
              g[9 * r + k][l] = w(slice.first_out + (v + l) * slice.out_step,
                                  slice.first_in + (i + r) * slice.in_step, k);
      }
      for (int r = 0; r < LANES; ++r) {
        Vector t[18], u[36];
        for (int k = 0; k < 9; ++k) g[9 * r + k] *= factor;
#pragma GCC unroll 3
        for (int b = 0; b < 3; ++b) weight_6(g[9 * r + b], g[9 * r + 3 + b], g[9 * r + 6 + b], t + b, 3);
#pragma GCC unroll 6
        for (int a = 0; a < 6; ++a) weight_6(t[3 * a], t[3 * a + 1], t[3 * a + 2], u + 6 * a, 1);
        for (int f = 0; f < 36; ++f) write(U + f * U_step + (i + r) * N_OUT + v, u[f]);
      }
    }
}

}  // namespace
