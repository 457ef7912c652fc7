// What all kernels share. It stands before every other file when that is compiled.
//
// Rules for kernels, so that the same files run on a CPU in the tests (host_shim/):
// - no warp functions, no textures; __syncthreads(), __shared__ through DYN_SHARED, atomicAdd on
//   int and unsigned are there;
// - every thread of a block reaches every __syncthreads(), also those outside of the image;
// - everything but kernels is in a namespace of the file's own, and names of kernels start with it;
// - arithmetic is the CPU code's: integers where they do, floats in the same order. Nothing is
//   contracted to fused multiply-adds (--fmad=false).

#ifndef DYN_SHARED
#define DYN_SHARED(type, name) extern __shared__ type name[]
#endif

// The image of a batch that this block works on; images lie 256 bytes aligned one after the other.
#define BATCH(pointer, bytes)                                                                      \
  ((pointer) + blockIdx.z * ((static_cast<size_t>(bytes) + 255) / 256 * 256))

// The position within [0, length) that stands for any position; -1 if a constant does.
__device__ __forceinline__ int border_index(int at, int length, int border) {
  if (at >= 0 && at < length) {
    return at;
  }
  if (border == 4) { // constant
    return -1;
  }
  if (border == 0) { // replicate
    return at < 0 ? 0 : length - 1;
  }
  if (border == 3) { // reflect_101
    const int period = max(2 * length - 2, 1);
    const int rest = at % period;
    const int folded = rest < 0 ? rest + period : rest;
    return folded < length ? folded : period - folded;
  }
  const int period = border == 1 ? 2 * length : length; // reflect, wrap
  const int rest = at % period;
  const int folded = rest < 0 ? rest + period : rest;
  return folded < length ? folded : period - 1 - folded;
}

// To the nearest value of a sample.
__device__ __forceinline__ int to_sample(int value) { return min(max(value, 0), 255); }

// The bits of a float, as constants are given to kernels.
__device__ __forceinline__ float as_float(int bits) { return __int_as_float(bits); }

// Red, green, blue, alpha. Grey has red only, RGB no alpha.
struct Pixel {
  int r, g, b, a;
};
