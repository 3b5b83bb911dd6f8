// The transforms of F(4x4, 3x3), each of rows and then of columns.

#pragma once

#include "vectors.h"

namespace {

constexpr float A1 = 0.75f, B1 = 1.5f, A2 = A1 * A1, B2 = B1 * B1, A3 = A1 * A2, B3 = B1 * B2;

inline void input_6(const Vector* d, int step, Vector* t, int to) {
  Vector d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  Vector even_a = d4 - B2 * d2, odd_a = A1 * d3 - (A1 * B2) * d1;
  Vector even_b = d4 - A2 * d2, odd_b = B1 * d3 - (B1 * A2) * d1;
  t[0] = (A2 * B2) * d[0] - (A2 + B2) * d2 + d4;
  t[to] = even_a + odd_a;
  t[2 * to] = even_a - odd_a;
  t[3 * to] = even_b + odd_b;
  t[4 * to] = even_b - odd_b;
  t[5 * to] = (A2 * B2) * d1 - (A2 + B2) * d3 + d[5 * step];
}

inline void input_tile(Vector* d) {  // 6x6 in place
  Vector t[36];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) input_6(d + j, 6, t + j, 6);
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) input_6(t + 6 * i, 1, d + 6 * i, 1);
}

inline void output_4(Vector m0, Vector m1, Vector m2, Vector m3, Vector m4, Vector m5, Vector* o, int to) {
  Vector even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  o[0] = m0 + even_a + even_b;
  o[to] = A1 * odd_a + B1 * odd_b;
  o[2 * to] = A2 * even_a + B2 * even_b;
  o[3 * to] = A3 * odd_a + B3 * odd_b + m5;
}

template <class Number>
inline void output_tile(const Number* m, int64_t step, Vector* o) {  // 36 frequencies, `step` numbers apart, to 4x4
  Vector t[24];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j)
    output_4(read(m + j * step), read(m + (6 + j) * step), read(m + (12 + j) * step), read(m + (18 + j) * step),
             read(m + (24 + j) * step), read(m + (30 + j) * step), t + j, 6);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    output_4(t[6 * i], t[6 * i + 1], t[6 * i + 2], t[6 * i + 3], t[6 * i + 4], t[6 * i + 5], o + 4 * i, 1);
}

inline void gradient_6(Vector g0, Vector g1, Vector g2, Vector g3, Vector* m, int to) {  // transpose of output_4
  Vector even_a = g0 + A2 * g2, odd_a = A1 * g1 + A3 * g3, even_b = g0 + B2 * g2, odd_b = B1 * g1 + B3 * g3;
  m[0] = g0;
  m[to] = even_a + odd_a;
  m[2 * to] = even_a - odd_a;
  m[3 * to] = even_b + odd_b;
  m[4 * to] = even_b - odd_b;
  m[5 * to] = g3;
}

inline void gradient_tile(const Vector* g, Vector* m) {  // gradient of 4x4 outputs to that of 36 frequencies
  Vector t[24];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) gradient_6(g[j], g[4 + j], g[8 + j], g[12 + j], t + j, 4);
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) gradient_6(t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3], m + 6 * i, 1);
}

constexpr float NA = 2 * A2 * (A2 - B2), NB = 2 * B2 * (B2 - A2);

inline void weight_6(Vector g0, Vector g1, Vector g2, Vector* u, int to) {
  Vector even_a = g0 * (1 / NA) + g2 * (A2 / NA), odd_a = g1 * (A1 / NA);
  Vector even_b = g0 * (1 / NB) + g2 * (B2 / NB), odd_b = g1 * (B1 / NB);
  u[0] = g0 * (1 / (A2 * B2));
  u[to] = even_a + odd_a;
  u[2 * to] = even_a - odd_a;
  u[3 * to] = even_b + odd_b;
  u[4 * to] = even_b - odd_b;
  u[5 * to] = g2;
}

inline void weight_gradient_3(const Vector* u, int step, Vector* g, int to) {  // transpose of weight_6
  Vector sum_a = u[step] + u[2 * step], sum_b = u[3 * step] + u[4 * step];
  g[0] = u[0] * (1 / (A2 * B2)) + sum_a * (1 / NA) + sum_b * (1 / NB);
  g[to] = (u[step] - u[2 * step]) * (A1 / NA) + (u[3 * step] - u[4 * step]) * (B1 / NB);
  g[2 * to] = sum_a * (A2 / NA) + sum_b * (B2 / NB) + u[5 * step];
}

}  // namespace
