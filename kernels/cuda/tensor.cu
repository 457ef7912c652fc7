// What models take, and what can be counted. The result is a tensor.

namespace tensor {

// Counts of one block of threads and channel.
enum { BINS = 256 };

enum { COPY = 0, LINEAR = 1, BLOCKS = 2 };
enum { U8 = 0, F16 = 1 };

struct Source {
  const unsigned char *data;
  int width, height, channels;
};

__device__ __forceinline__ int sample(const Source &source, int x, int y, int channel) {
  const int column = min(max(x, 0), source.width - 1), row = min(max(y, 0), source.height - 1);
  return source.data[(static_cast<size_t>(row) * source.width + column) * source.channels + channel];
}

// Weighted sum of two pixels of a row, with 7 bits after the point.
__device__ __forceinline__ int across(const Source &source, int x, int y, int weights,
                                      int channel) {
  const int low = static_cast<short>(weights), high = weights >> 16;
  return (sample(source, x, y, channel) * low + sample(source, x + 1, y, channel) * high) >> 4;
}

// A sample of the resized image.
__device__ __forceinline__ int resized(const Source &source, int mode, const int *column,
                                       const int *row, int x, int y, int channel) {
  if (mode == BLOCKS) {
    return (sample(source, 2 * x, 2 * y, channel) + sample(source, 2 * x + 1, 2 * y, channel) +
            sample(source, 2 * x, 2 * y + 1, channel) +
            sample(source, 2 * x + 1, 2 * y + 1, channel) + 2) >>
           2;
  }
  if (mode == COPY) {
    return sample(source, column[0], row[0], channel);
  }
  const int low = static_cast<short>(row[1]), high = row[1] >> 16;
  const int above = across(source, column[0], row[0], column[1], channel);
  const int below = across(source, column[0], row[0] + 1, column[1], channel);
  return (((above * low) >> 16) + ((below * high) >> 16) + 2) >> 2;
}

} // namespace tensor

// `table` has two ints for each column of the resized image, then for each row: where the first
// pixel is, and two weights. `numbers` has three factors and three offsets, then what each sample
// of each channel is in half precision.
extern "C" __global__ void tensor_normalize(const unsigned char *input, unsigned char *output,
                                            int in_width, int in_height, int in_channels,
                                            int width, int height, int inner_width,
                                            int inner_height, int left, int top, int mode,
                                            int element, int planar, int blue_first, int bars,
                                            const unsigned char *table,
                                            const unsigned char *numbers) {
  using namespace tensor;
  const int channels = min(in_channels, 3), bytes = element == U8 ? 1 : element == F16 ? 2 : 4;
  const size_t plane = static_cast<size_t>(width) * height;
  input = BATCH(input, static_cast<size_t>(in_width) * in_height * in_channels);
  output = BATCH(output, plane * channels * bytes);
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const int in_x = x - left, in_y = y - top;
  const bool inside = in_x >= 0 && in_y >= 0 && in_x < inner_width && in_y < inner_height;
  const Source source = {input, in_width, in_height, in_channels};
  const int *column = reinterpret_cast<const int *>(table) + 2 * (inside ? in_x : 0);
  const int *row = reinterpret_cast<const int *>(table) + 2 * (inside ? inner_width + in_y : 0);
  const float *factors = reinterpret_cast<const float *>(numbers), *offsets = factors + 3;
  const unsigned short *halves = reinterpret_cast<const unsigned short *>(offsets + 3);
  for (int channel = 0; channel < channels; ++channel) {
    const int value = inside ? resized(source, mode, column, row, in_x, in_y, channel)
                             : bars >> (8 * channel) & 255;
    const int place = blue_first ? channels - 1 - channel : channel;
    const size_t pixel = static_cast<size_t>(y) * width + x;
    const size_t at = planar ? place * plane + pixel : pixel * channels + place;
    if (element == U8) {
      output[at] = value;
    } else if (element == F16) {
      reinterpret_cast<unsigned short *>(output)[at] = halves[256 * channel + value];
    } else {
      reinterpret_cast<float *>(output)[at] =
          static_cast<float>(value) * factors[channel] + offsets[channel];
    }
  }
}

// All counts are 0.
extern "C" __global__ void tensor_clear(unsigned char *output, int bins) {
  output = BATCH(output, static_cast<size_t>(bins) * 4);
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < bins) {
    reinterpret_cast<unsigned *>(output)[at] = 0;
  }
}

// Counts in shared memory first; blocks take turns.
extern "C" __global__ void tensor_histogram(const unsigned char *input, unsigned char *output,
                                            int pixels, int channels) {
  using namespace tensor;
  input = BATCH(input, static_cast<size_t>(pixels) * channels);
  output = BATCH(output, static_cast<size_t>(channels) * BINS * 4);
  DYN_SHARED(unsigned, counts);
  for (int at = threadIdx.x; at < channels * BINS; at += blockDim.x) {
    counts[at] = 0;
  }
  __syncthreads();
  wide::each_pixel(input, pixels, channels, [&](Pixel p) {
    atomicAdd(&counts[p.r], 1u);
    if (channels > 1) {
      atomicAdd(&counts[BINS + p.g], 1u), atomicAdd(&counts[2 * BINS + p.b], 1u);
    }
    if (channels == 4) {
      atomicAdd(&counts[3 * BINS + p.a], 1u);
    }
  });
  __syncthreads();
  for (int at = threadIdx.x; at < channels * BINS; at += blockDim.x) {
    if (counts[at] > 0) {
      atomicAdd(&reinterpret_cast<unsigned *>(output)[at], counts[at]);
    }
  }
}
