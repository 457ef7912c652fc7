// The image through a matrix. The same integers as on the CPU: positions come in 32ths of a pixel,
// as OpenCV has them, and weights from its tables.

namespace warp {

enum { NEAREST = 0, LINEAR = 1, CUBIC = 2, CONSTANT = 4 };

struct Source {
  const unsigned char *data;
  int width, height, channels, border;
  unsigned color;
};

__device__ __forceinline__ int sample(const Source &source, int x, int y, int channel) {
  const int column = border_index(x, source.width, source.border);
  const int row = border_index(y, source.height, source.border);
  if (column < 0 || row < 0) {
    return source.color >> (8 * channel) & 255;
  }
  return source.data[(static_cast<size_t>(row) * source.width + column) * source.channels + channel];
}

__device__ __forceinline__ int linear(const Source &source, int x, int y, int channel) {
  const int left = x >> 5, top = y >> 5, fx = x & 31, fy = y & 31;
  const int above = sample(source, left, top, channel) * (32 - fx) +
                    sample(source, left + 1, top, channel) * fx;
  const int below = sample(source, left, top + 1, channel) * (32 - fx) +
                    sample(source, left + 1, top + 1, channel) * fx;
  return (above * (32 - fy) + below * fy + (1 << 9)) >> 10;
}

__device__ __forceinline__ int cubic(const Source &source, const short *table, int x, int y,
                                     int channel) {
  const int left = (x >> 5) - 1, top = (y >> 5) - 1;
  const short *weights = table + ((y & 31) * 32 + (x & 31)) * 16;
  int sum = 1 << 14;
  for (int down = 0; down < 4; ++down) {
    for (int across = 0; across < 4; ++across) {
      sum += sample(source, left + across, top + down, channel) * weights[4 * down + across];
    }
  }
  return to_sample(sum >> 15);
}

// Makes a pixel of the result from a position.
__device__ __forceinline__ void pixel(const Source &source, const short *table, int filter, int x,
                                      int y, unsigned char *to) {
  for (int channel = 0; channel < source.channels; ++channel) {
    to[channel] = filter == NEAREST  ? sample(source, x, y, channel)
                  : filter == LINEAR ? linear(source, x, y, channel)
                                     : cubic(source, table, x, y, channel);
  }
}

// Cuts the whole part of a position, which is followed by that many bits.
__device__ __forceinline__ int cut(int position, int bits, int limit) {
  const int whole = min(max(position >> bits, -limit - 1), limit);
  return static_cast<int>(static_cast<unsigned>(whole) << bits) | (position & ((1 << bits) - 1));
}

// To nearest, half to even, within what sums do not overflow with.
__device__ __forceinline__ int whole(double value) {
  const double farthest = (1 << 30) - 1024;
  return static_cast<int>(rint(fmin(fmax(value, -farthest), farthest)));
}

} // namespace warp

// `steps` has what each column adds to x and to y, then where each row starts in x and in y.
extern "C" __global__ void warp_affine(const unsigned char *input, unsigned char *output,
                                       int in_width, int in_height, int width, int height,
                                       int channels, int filter, int border, int color, int shift,
                                       int limit, const unsigned char *steps,
                                       const unsigned char *table) {
  using namespace warp;
  input = BATCH(input, static_cast<size_t>(in_width) * in_height * channels);
  output = BATCH(output, static_cast<size_t>(width) * height * channels);
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const int *columns = reinterpret_cast<const int *>(steps), *rows = columns + 2 * width;
  const int bits = filter == NEAREST ? 0 : 5;
  const int from_x = cut((columns[x] + rows[y]) >> shift, bits, limit);
  const int from_y = cut((columns[width + x] + rows[height + y]) >> shift, bits, limit);
  const Source source = {input, in_width, in_height, channels, border,
                         static_cast<unsigned>(color)};
  pixel(source, reinterpret_cast<const short *>(table), filter, from_x, from_y,
        output + (static_cast<size_t>(y) * width + x) * channels);
}

// `matrix` has nine doubles; positions are computed from the left edge of blocks, as in OpenCV.
extern "C" __global__ void warp_perspective(const unsigned char *input, unsigned char *output,
                                            int in_width, int in_height, int width, int height,
                                            int channels, int filter, int border, int color,
                                            int block, int limit, const unsigned char *matrix,
                                            const unsigned char *table) {
  using namespace warp;
  input = BATCH(input, static_cast<size_t>(in_width) * in_height * channels);
  output = BATCH(output, static_cast<size_t>(width) * height * channels);
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const double *m = reinterpret_cast<const double *>(matrix);
  const double left = x / block * block, at = x % block, row = y;
  const double w = m[6] * left + m[7] * row + m[8] + m[6] * at;
  const double factor = w == 0.0 ? 0.0 : (filter == NEAREST ? 1.0 : 32.0) / w;
  const double across = m[0] * left + m[1] * row + m[2] + m[0] * at;
  const double down = m[3] * left + m[4] * row + m[5] + m[3] * at;
  const int bits = filter == NEAREST ? 0 : 5;
  const int from_x = cut(whole(across * factor), bits, limit);
  const int from_y = cut(whole(down * factor), bits, limit);
  const Source source = {input, in_width, in_height, channels, border,
                         static_cast<unsigned>(color)};
  pixel(source, reinterpret_cast<const short *>(table), filter, from_x, from_y,
        output + (static_cast<size_t>(y) * width + x) * channels);
}
