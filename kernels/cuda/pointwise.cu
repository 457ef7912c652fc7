// Steps in which each pixel depends on the same pixel only. A chain of them becomes one kernel,
// which is generated (src/cuda/fuse.rs) and calls these functions one after the other.
//
// The same integers as on the CPU, in the same order.

// Shades of grey: weights with 15 fractional bits, rounded to nearest; all weights 0 means
// lightness, the middle between the greatest and the least channel.
__device__ __forceinline__ Pixel grayscale(Pixel p, const int *k, const unsigned char *) {
  const int grey = k[0] + k[1] + k[2] == 0
                       ? (max(p.r, max(p.g, p.b)) + min(p.r, min(p.g, p.b)) + 1) / 2
                       : (p.r * k[0] + p.g * k[1] + p.b * k[2] + (1 << 14)) >> 15;
  return {grey, grey, grey, p.a};
}

// Each sample by its list: red (and grey), green, blue.
__device__ __forceinline__ Pixel table(Pixel p, const int *, const unsigned char *lists) {
  return {lists[p.r], lists[256 + p.g], lists[512 + p.b], p.a};
}
