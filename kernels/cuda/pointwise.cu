// Steps in which each pixel depends on the same pixel only. A chain of them becomes one kernel,
// which is generated (src/cuda/fuse.rs) and calls these functions one after the other.
//
// The same integers as on the CPU, in the same order.

// Numbers that come as an argument of the kernel, by value.
template <int COUNT> struct Constants {
  int at[COUNT];
};

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

// From one colour space to another: their numbers, and a matrix for YCbCr.
__device__ __forceinline__ Pixel color_convert(Pixel p, const int *k, const unsigned char *tables) {
  return spaces::from_rgb(spaces::to_rgb(p, k[0], k + 2, tables), k[1], k + 2, tables);
}

// Weighted sums of red, green and blue: nine weights, three offsets with the half that rounds, and
// how many fractional bits all have.
__device__ __forceinline__ Pixel color_matrix(Pixel p, const int *k, const unsigned char *) {
  return {to_sample((p.r * k[0] + p.g * k[1] + p.b * k[2] + k[9]) >> k[12]),
          to_sample((p.r * k[3] + p.g * k[4] + p.b * k[5] + k[10]) >> k[12]),
          to_sample((p.r * k[6] + p.g * k[7] + p.b * k[8] + k[11]) >> k[12]), p.a};
}
