// Vectors of floats, and memory for them.

#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

#ifdef __AVX512F__
constexpr int N_TILES = 12, N_VECTORS = 2;  // 24 of 32 registers accumulate
#else
constexpr int N_TILES = 6, N_VECTORS = 1;
#endif
constexpr int LANES = 16, N_OUT = N_VECTORS * LANES, N_ROWS = 8;
constexpr int64_t CACHE_FLOATS = 280'000;  // of transformed inputs that a strip keeps close: 1.1 MB

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef float Unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

inline Vector load(const float* p) { return *(const Unaligned*)p; }
inline Vector load(const float* p, int64_t n) {  // the first n lanes, zeros behind them
  if (n >= LANES) return load(p);
  alignas(64) float lanes[LANES] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return *(Vector*)lanes;
}
inline void store(float* p, Vector v) { *(Unaligned*)p = v; }
inline void store(float* p, Vector v, int64_t n) {
  if (n >= LANES) return store(p, v);
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}
inline Vector& at(float* p) { return *(Vector*)p; }
inline const Vector& at(const float* p) { return *(const Vector*)p; }
inline int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
// Floats of a frequency of n rows: one cache line more than they fill, or frequencies would evict one another.
inline int64_t frequency(int64_t n, int64_t row) { return n * row + LANES; }

struct Floats {  // aligned memory; large pieces in huge pages, since touching small ones costs more than using them
  static constexpr int64_t HUGE_PAGE = 2 << 20;
  float* data;
  explicit Floats(int64_t n) {
    const int64_t bytes = std::max<int64_t>(n, 1) * 4, page = bytes < 2 * HUGE_PAGE ? 64 : HUGE_PAGE;
    data = (float*)std::aligned_alloc(page, parts(bytes, page) * page);
#ifdef MADV_HUGEPAGE
    if (page == HUGE_PAGE) madvise(data, parts(bytes, page) * page, MADV_HUGEPAGE);
#endif
  }
  ~Floats() { std::free(data); }
  Floats(const Floats&) = delete;
  operator float*() const { return data; }
};

}  // namespace
