// Redaction and drawing. The same integers as on the CPU.

namespace privacy {

enum { BITS = 11 };

// A rectangle: its pixels, and the blocks whose means it needs; ends are one beyond.
struct Region {
  int left, top, right, bottom;
  int first_column, first_row, end_column, end_row;
};

// Calls `work(x, y)` for all pixels of a region. Each block of threads makes some tiles.
template <class Work>
__device__ __forceinline__ void each_pixel(const Region &region, Work work) {
  const int across = (region.right - region.left + blockDim.x - 1) / blockDim.x;
  const int down = (region.bottom - region.top + blockDim.y - 1) / blockDim.y;
  for (int tile = blockIdx.x; tile < across * down; tile += gridDim.x) {
    const int x = region.left + tile % across * blockDim.x + threadIdx.x;
    const int y = region.top + tile / across * blockDim.y + threadIdx.y;
    if (x < region.right && y < region.bottom) {
      work(x, y);
    }
  }
}

// Between which two of `count` blocks of `side` pixels a pixel is, from centre to centre; returns
// the weight of the second.
__device__ __forceinline__ int between(int at, int side, int count, int &before, int &after) {
  const int position = 2 * at + 1 + side;
  const int block = position / (2 * side), rest = position % (2 * side);
  before = min(max(block, 1), count) - 1;
  after = min(max(block + 1, 1), count) - 1;
  return ((rest << BITS) + side) / (2 * side);
}

__device__ __forceinline__ int over_255(int product) { return (product + 127) / 255; }

} // namespace privacy

extern "C" __global__ void privacy_copy(const unsigned char *input, unsigned char *output, int row,
                                        int height) {
  const long long bytes = static_cast<long long>(row) * height;
  const long long first = wide::first_byte();
  wide::write(wide::read(BATCH(input, bytes), first, bytes), BATCH(output, bytes), first, bytes);
}

extern "C" __global__ void privacy_fill(unsigned char *output, int width, int height, int channels,
                                        int color, const unsigned char *regions) {
  using namespace privacy;
  output = BATCH(output, static_cast<size_t>(width) * height * channels);
  const Region &region = reinterpret_cast<const Region *>(regions)[blockIdx.y];
  each_pixel(region, [&](int x, int y) {
    unsigned char *to = output + (static_cast<size_t>(y) * width + x) * channels;
    for (int channel = 0; channel < channels; ++channel) {
      to[channel] = color >> (8 * channel) & 255;
    }
  });
}

// The means of the blocks that each region needs. A block of threads makes one after the other;
// for overlapping regions some are made twice, the same.
extern "C" __global__ void privacy_means(const unsigned char *input, unsigned char *means,
                                         int width, int height, int channels, int side,
                                         const unsigned char *regions) {
  using namespace privacy;
  const int across = (width + side - 1) / side, down = (height + side - 1) / side;
  input = BATCH(input, static_cast<size_t>(width) * height * channels);
  means = BATCH(means, static_cast<size_t>(across) * down * channels);
  const Region &region = reinterpret_cast<const Region *>(regions)[blockIdx.y];
  DYN_SHARED(unsigned, sums);
  const int columns = region.end_column - region.first_column;
  const int count = columns * (region.end_row - region.first_row);
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
  for (int number = blockIdx.x; number < count; number += gridDim.x) {
    const int column = region.first_column + number % columns;
    const int row = region.first_row + number / columns;
    const int left = column * side, top = row * side;
    const int right = min(left + side, width), bottom = min(top + side, height);
    if (thread < channels) {
      sums[thread] = 0;
    }
    __syncthreads();
    const int samples = (right - left) * channels;
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      unsigned sum = 0;
      for (int y = top + threadIdx.y; y < bottom; y += blockDim.y) {
        sum += input[(static_cast<size_t>(y) * width + left) * channels + at];
      }
      atomicAdd(&sums[at % channels], sum);
    }
    __syncthreads();
    if (thread < channels) {
      const unsigned area = static_cast<unsigned>(right - left) * (bottom - top);
      const size_t to = (static_cast<size_t>(row) * across + column) * channels + thread;
      means[to] = (sums[thread] + area / 2) / area;
    }
    __syncthreads();
  }
}

extern "C" __global__ void privacy_pixelate(const unsigned char *means, unsigned char *output,
                                            int width, int height, int channels, int side,
                                            const unsigned char *regions) {
  using namespace privacy;
  const int across = (width + side - 1) / side, down = (height + side - 1) / side;
  means = BATCH(means, static_cast<size_t>(across) * down * channels);
  output = BATCH(output, static_cast<size_t>(width) * height * channels);
  const Region &region = reinterpret_cast<const Region *>(regions)[blockIdx.y];
  each_pixel(region, [&](int x, int y) {
    const unsigned char *from =
        means + (static_cast<size_t>(y / side) * across + x / side) * channels;
    unsigned char *to = output + (static_cast<size_t>(y) * width + x) * channels;
    for (int channel = 0; channel < channels; ++channel) {
      to[channel] = from[channel];
    }
  });
}

extern "C" __global__ void privacy_blur(const unsigned char *means, unsigned char *output,
                                        int width, int height, int channels, int side,
                                        const unsigned char *regions) {
  using namespace privacy;
  const int across = (width + side - 1) / side, down = (height + side - 1) / side;
  means = BATCH(means, static_cast<size_t>(across) * down * channels);
  output = BATCH(output, static_cast<size_t>(width) * height * channels);
  const Region &region = reinterpret_cast<const Region *>(regions)[blockIdx.y];
  each_pixel(region, [&](int x, int y) {
    int left, right, upper, lower;
    const unsigned aside = between(x, side, across, left, right);
    const unsigned below = between(y, side, down, upper, lower);
    const auto mean = [&](int row, int column, int channel) -> unsigned {
      return means[(static_cast<size_t>(row) * across + column) * channels + channel];
    };
    unsigned char *to = output + (static_cast<size_t>(y) * width + x) * channels;
    const unsigned one = 1u << BITS;
    for (int channel = 0; channel < channels; ++channel) {
      const unsigned first =
          mean(upper, left, channel) * (one - aside) + mean(upper, right, channel) * aside;
      const unsigned second =
          mean(lower, left, channel) * (one - aside) + mean(lower, right, channel) * aside;
      to[channel] =
          (first * (one - below) + second * below + (1u << (2 * BITS - 1))) >> (2 * BITS);
    }
  });
}

// Each thread makes a pixel: what the spans of its row, in order, make of it. A span is where it
// starts and ends, its colour with the opacity on top, and where its coverage is (-1: all).
extern "C" __global__ void privacy_draw(const unsigned char *input, unsigned char *output,
                                        int width, int height, int channels,
                                        const unsigned char *row_data,
                                        const unsigned char *span_data,
                                        const unsigned char *coverage) {
  using namespace privacy;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const int *rows = reinterpret_cast<const int *>(row_data);
  const int *spans = reinterpret_cast<const int *>(span_data);
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const size_t place = (static_cast<size_t>(y) * width + x) * channels;
  int pixel[4] = {0, 0, 0, 0};
  for (int channel = 0; channel < 4; ++channel) {
    pixel[channel] = channel < channels ? input[place + channel] : 0;
  }
  for (int at = rows[y]; at < rows[y + 1]; ++at) {
    const int *span = spans + 4 * at;
    if (x < span[0] || x >= span[1]) {
      continue;
    }
    const int color = span[2] | 0xff << 24;
    const int opaque = span[2] >> 24 & 255;
    const int opacity = span[3] < 0 ? opaque : over_255(opaque * coverage[span[3] + x - span[0]]);
    for (int channel = 0; channel < 4; ++channel) {
      const int target = color >> (8 * channel) & 255;
      pixel[channel] = over_255(pixel[channel] * (255 - opacity) + target * opacity);
    }
  }
  for (int channel = 0; channel < 4; ++channel) {
    if (channel < channels) {
      output[place + channel] = pixel[channel];
    }
  }
}
