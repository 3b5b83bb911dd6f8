// What becomes of a convolution's outputs: stored, applied as kernels, or used to modulate.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "tiles.h"
#include "vectors.h"

namespace {

// A map (B, H, W) of codes whose one-hot channels are convolved by adding up rows of a table (9, n_codes, C), one
// for each position of the 3x3; `sums` (n_codes, C) are its nine rows together.
struct Table {
  const int32_t* codes;
  const float *rows, *sums;
  int64_t n_codes, C;
};

// Codes of the 3x3 around a position, -1 outside of the map.
struct Codes {
  int32_t at[9];
  bool same;  // all nine are, and inside
  void find(const Tiles& tiles, const int32_t* codes, int64_t b, int64_t y, int64_t x) {
    same = true;
    for (int k = 0; k < 9; ++k) {
      const int64_t v = y + k / 3 - 1, u = x + k % 3 - 1;
      at[k] = v >= 0 && v < tiles.H && u >= 0 && u < tiles.W ? codes[(b * tiles.H + v) * tiles.W + u] : -1;
      same = same && at[k] == at[0];
    }
    same = same && at[0] >= 0;
  }
};

inline Vector exp_of(Vector x) {  // to about 2 units in the last place
  typedef int32_t Integers __attribute__((vector_size(4 * LANES)));
  x = x > 88.f ? Vector{} + 88.f : x;
  x = x < -87.f ? Vector{} - 87.f : x;
  const Vector half = x < 0.f ? Vector{} - 0.5f : Vector{} + 0.5f;
  const Integers n = __builtin_convertvector(x * 1.44269504f + half, Integers);
  const Vector turns = __builtin_convertvector(n, Vector);
  const Vector r = x - turns * 0.693359375f + turns * 2.12194440e-4f;
  Vector e = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r +
              1.6666665459e-1f) * r + 5.0000001201e-1f;
  e = e * r * r + r + 1.f;
  return (Vector)((Integers)e + (n << 23));
}

// What becomes of r = convolution + bias + table, beside another map of its shape.
enum Finish { PLAIN, RELU, LEAKY_RELU, GATE };
inline Vector leaky(Vector r) { return r > 0.f ? r : 0.2f * r; }
inline Vector finish(Finish how, Vector r, Vector other) {
  switch (how) {
    case PLAIN: return r;
    case RELU: return r < 0.f ? Vector{} : r;  // NaN stays
    case LEAKY_RELU: return leaky(r);
    case GATE: return leaky(other / (1.f + exp_of(-r)));
  }
  return r;
}

// A map (B, H, W, C), or (B, H/2, W/2, C) to be enlarged, of which every value is scaled and shifted by its channel.
struct Scaled {
  const float *map, *scale, *shift;  // scale and shift may be null
  int64_t C;
  int halvings;
  Vector factor(int64_t c) const { return scale ? load(scale + c, C - c) : Vector{} + 1.f; }
  Vector offset(int64_t c) const { return shift ? load(shift + c, C - c) : Vector{}; }
};

struct StoreSink {
  float* y;
  const float* bias;
  Table table;
  int64_t C;
  Finish how;
  const float* other;
  std::vector<Codes> codes = {};  // around the 16 outputs of every tile
  void begin(int64_t n) { codes.resize(table.codes ? n * 16 : 0); }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) {
    if (!table.codes || tile >= tiles.count) return;
    const Place place(tiles, tile);
    for (int q = 0; q < 16; ++q)
      codes[slot * 16 + q].find(tiles, table.codes, place.b, place.y + q / 4, place.x + q % 4);
  }
  void open(int64_t) {}
  void put(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t, int64_t, const Vector* o) {
    const Vector b = bias ? load(bias + c, C - c) : Vector{};
    each_output(tiles, tile, C, [&](int i, int j, int64_t offset) {
      Vector r = o[4 * i + j] + b;
      if (table.codes) {
        const Codes& around = codes[slot * 16 + 4 * i + j];
        if (around.same)
          r += load(table.sums + around.at[0] * C + c, C - c);
        else
          for (int k = 0; k < 9; ++k)
            if (around.at[k] >= 0) r += load(table.rows + (k * table.n_codes + around.at[k]) * C + c, C - c);
      }
      store(y + offset + c, finish(how, r, other ? load(other + offset + c, C - c) : Vector{}), C - c);
    });
  }
  void close(const Tiles&, int64_t, int64_t, int64_t, int64_t) {}
};

// The biases of tap s of LANES channels, zeros behind the last channel
inline Vector bias_of(const float* bias, int64_t taps, int64_t c, int64_t n, int64_t s) {
  Vector b{};
  if (bias)
    for (int64_t l = 0; l < n; ++l) b[l] = bias[(c + l) * taps + s];
  return b;
}

// y[c, p] = sum over taps of x[c, p + tap] · (convolution + bias)[c·9 + s, p]
struct ApplySink {
  Scaled x;
  const float* bias;
  float* y;
  std::vector<Patch<6>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n);
    sums = std::make_shared<Floats>(n * 16 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(x.map, x.C, tiles, tile, x.halvings); }
  void open(int64_t n) { std::memset(sums->data, 0, n * 16 * N_OUT * 4); }
  void put(const Tiles&, int64_t, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, x.C - c);
    const Vector b = bias_of(bias, 9, c, n, s), factor = x.factor(c), offset = x.offset(c);
    const float* const* p = seen[slot].p + s / 3 * 6 + s % 3;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        if (p[6 * i + j])
          at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v) +=
              (o[4 * i + j] + b) * (load(p[6 * i + j] + c, n) * factor + offset);
  }
  void close(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t n) {
    each_output(tiles, tile, x.C, [&](int i, int j, int64_t offset) {
      for (int64_t v = 0; v < n; v += LANES)
        store(y + offset + c + v, at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v), n - v);
    });
  }
};

// y = x · (1 + r0) + r1, r0 and r1 the convolution's outputs 2c and 2c + 1
struct ModulateSink {
  Scaled x;
  const float* bias;
  float* y;
  std::vector<Patch<4>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n);
    sums = std::make_shared<Floats>(n * 16 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(x.map, x.C, tiles, tile, x.halvings); }
  void open(int64_t) {}
  void put(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, x.C - c);
    const Vector b = bias_of(bias, 2, c, n, s), factor = x.factor(c), offset = x.offset(c);
    each_output(tiles, tile, x.C, [&](int i, int j, int64_t to) {
      Vector& scaled = at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v);
      const Vector r = o[4 * i + j] + b;
      if (s == 0)
        scaled = (load(seen[slot].p[4 * i + j] + c, n) * factor + offset) * (1.f + r);
      else
        store(y + to + c, scaled + r, n);
    });
  }
  void close(const Tiles&, int64_t, int64_t, int64_t, int64_t) {}
};

// Gradient of x: sent[tile][36][C], what a tile's kernels send to the 6x6 positions around it.
struct ScatterSink {
  const float *gy, *bias;
  int64_t C;
  float* sent;
  std::vector<Patch<4>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n);
    sums = std::make_shared<Floats>(n * 36 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(gy, C, tiles, tile); }
  void open(int64_t n) { std::memset(sums->data, 0, n * 36 * N_OUT * 4); }
  void put(const Tiles&, int64_t, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, C - c);
    const Vector b = bias_of(bias, 9, c, n, s);
    const float* const* p = seen[slot].p;
    float* to = sums->data + (slot * 36 + s / 3 * 6 + s % 3) * N_OUT + v;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        if (p[4 * i + j])
          at(to + (6 * i + j) * N_OUT) += (o[4 * i + j] + b) * load(p[4 * i + j] + c, n);
  }
  void close(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t n) {
    if (tile >= tiles.count) return;
    for (int q = 0; q < 36; ++q)
      for (int64_t v = 0; v < n; v += LANES)
        store(sent + (tile * 36 + q) * C + c + v, at(sums->data + (slot * 36 + q) * N_OUT + v), n - v);
  }
};

}  // namespace
