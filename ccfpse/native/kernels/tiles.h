// A map (B, H, W) cut into tiles.

#pragma once

#include <algorithm>
#include <cstdint>

#include "vectors.h"

namespace {

struct Tiles {
  int64_t B, H, W, n_down, n_across, count;
  Tiles(int64_t B, int64_t H, int64_t W)
      : B(B), H(H), W(W), n_down(parts(H, 4)), n_across(parts(W, 4)), count(B * n_down * n_across) {}
};

struct Place {  // a tile's first output
  int64_t b, y, x;
  Place(const Tiles& tiles, int64_t tile)
      : b(tile / (tiles.n_down * tiles.n_across)),
        y(tile / tiles.n_across % tiles.n_down * 4),
        x(tile % tiles.n_across * 4) {}
};

// Pointers to the SIDE x SIDE positions that a tile sees, null outside of the map; the tile lies in the middle.
template <int SIDE>
struct Patch {
  const float* p[SIDE * SIDE];
  // `halvings` 1: the map has half the tiles' size, and every position of it counts for 2x2.
  void find(const float* map, int64_t C, const Tiles& tiles, int64_t tile, int halvings = 0) {
    constexpr int MARGIN = (SIDE - 4) / 2;
    std::fill(p, p + SIDE * SIDE, nullptr);
    if (tile >= tiles.count) return;
    Place place(tiles, tile);
    for (int i = 0; i < SIDE; ++i)
      for (int j = 0; j < SIDE; ++j) {
        int64_t y = place.y + i - MARGIN, x = place.x + j - MARGIN;
        if (y >= 0 && y < tiles.H && x >= 0 && x < tiles.W)
          p[i * SIDE + j] =
              map + ((place.b * (tiles.H >> halvings) + (y >> halvings)) * (tiles.W >> halvings) + (x >> halvings)) * C;
      }
  }
};

// Calls f(i, j, offset of the position in a map of C channels) for the outputs of a tile that exist.
template <class F>
inline void each_output(const Tiles& tiles, int64_t tile, int64_t C, F f) {
  if (tile >= tiles.count) return;
  Place place(tiles, tile);
  for (int i = 0; i < 4 && place.y + i < tiles.H; ++i)
    for (int j = 0; j < 4 && place.x + j < tiles.W; ++j)
      f(i, j, ((place.b * tiles.H + place.y + i) * tiles.W + place.x + j) * C);
}

}  // namespace
