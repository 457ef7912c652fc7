// Shades of grey. The same integers as on the CPU: weights with 15 fractional bits, rounded to
// nearest; all weights 0 means lightness, the middle between the greatest and the least channel.
//
// A thread does four pixels, so that memory is read and written in whole words. Device memory is
// aligned to more than a word.

__device__ __forceinline__ unsigned grey_of(unsigned red, unsigned green, unsigned blue, int r,
                                            int g, int b) {
  if (r + g + b == 0) {
    return (max(red, max(green, blue)) + min(red, min(green, blue)) + 1u) / 2u;
  }
  return (red * r + green * g + blue * b + (1u << 14)) >> 15;
}

extern "C" __global__ void grayscale_gray(const unsigned char *input, unsigned char *output,
                                          int pixels, int, int, int) {
  const int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  for (int at = first; at < first + 4 && at < pixels; ++at) {
    output[at] = input[at];
  }
}

extern "C" __global__ void grayscale_rgb(const unsigned char *input, unsigned char *output,
                                         int pixels, int r, int g, int b) {
  const int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  if (first + 4 <= pixels) {
    const unsigned *words = reinterpret_cast<const unsigned *>(input) + first / 4 * 3;
    const unsigned a = words[0], m = words[1], z = words[2];
    const unsigned grey =
        grey_of(a & 255, a >> 8 & 255, a >> 16 & 255, r, g, b) |
        grey_of(a >> 24, m & 255, m >> 8 & 255, r, g, b) << 8 |
        grey_of(m >> 16 & 255, m >> 24, z & 255, r, g, b) << 16 |
        grey_of(z >> 8 & 255, z >> 16 & 255, z >> 24, r, g, b) << 24;
    reinterpret_cast<unsigned *>(output)[first / 4] = grey;
  } else {
    for (int at = first; at < pixels; ++at) {
      const unsigned char *pixel = input + 3 * at;
      output[at] = grey_of(pixel[0], pixel[1], pixel[2], r, g, b);
    }
  }
}

extern "C" __global__ void grayscale_rgba(const unsigned char *input, unsigned char *output,
                                          int pixels, int r, int g, int b) {
  const int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  for (int at = first; at < first + 4 && at < pixels; ++at) {
    const unsigned pixel = reinterpret_cast<const unsigned *>(input)[at];
    const unsigned grey = grey_of(pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255, r, g, b);
    reinterpret_cast<unsigned *>(output)[at] = grey * 0x010101u | (pixel & 0xff000000u);
  }
}
