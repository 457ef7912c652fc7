// What models take, and what can be counted. The result is a tensor.

namespace tensor {

// Counts of one block of threads and channel.
enum { BINS = 256 };

enum { COPY = 0, LINEAR = 1, BLOCKS = 2 };
enum { U8 = 0, F16 = 1 };

// How pixels lie there: a pixel's samples together, or one of the planar layouts.
enum { INTERLEAVED = 0, NV12 = 1, I420 = 2 };

struct Source {
  const unsigned char *data;
  int width, height, channels, layout;
  const int *matrix; // of a planar layout

  __device__ __forceinline__ Planes planes() const { return {width, height, layout == NV12}; }

  // Grey has red only; alpha is left out.
  __device__ __forceinline__ Pixel pixel(int x, int y) const {
    const int column = min(max(x, 0), width - 1), row = min(max(y, 0), height - 1);
    if (layout != INTERLEAVED) {
      const Planes at = planes();
      const size_t cb = at.chroma(column / 2, row / 2, 0), cr = at.chroma(column / 2, row / 2, 1);
      return spaces::from_ycbcr({data[at.luma(column, row)], data[cb], data[cr], 0}, matrix);
    }
    const unsigned char *from = data + (static_cast<size_t>(row) * width + column) * channels;
    return channels == 1 ? Pixel{from[0], 0, 0, 0} : Pixel{from[0], from[1], from[2], 0};
  }
};

template <class Work>
__device__ __forceinline__ Pixel each_of(const Pixel &a, const Pixel &b, Work work) {
  return {work(a.r, b.r), work(a.g, b.g), work(a.b, b.b), 0};
}

__device__ __forceinline__ Pixel add(const Pixel &a, const Pixel &b) {
  return each_of(a, b, [](int a, int b) { return a + b; });
}

// Weighted sum of two pixels of a row, with 7 bits after the point.
__device__ __forceinline__ Pixel across(const Source &source, int x, int y, int weights) {
  const int low = static_cast<short>(weights), high = weights >> 16;
  return each_of(source.pixel(x, y), source.pixel(x + 1, y),
                 [=](int a, int b) { return (a * low + b * high) >> 4; });
}

// A pixel of the resized image.
__device__ __forceinline__ Pixel resized(const Source &source, int mode, const int *column,
                                         const int *row, int x, int y) {
  if (mode == BLOCKS) {
    const Pixel above = add(source.pixel(2 * x, 2 * y), source.pixel(2 * x + 1, 2 * y));
    const Pixel below = add(source.pixel(2 * x, 2 * y + 1), source.pixel(2 * x + 1, 2 * y + 1));
    return each_of(above, below, [](int a, int b) { return (a + b + 2) >> 2; });
  }
  if (mode == COPY) {
    return source.pixel(column[0], row[0]);
  }
  const int low = static_cast<short>(row[1]), high = row[1] >> 16;
  return each_of(across(source, column[0], row[0], column[1]),
                 across(source, column[0], row[0] + 1, column[1]), [=](int a, int b) {
                   return (((a * low) >> 16) + ((b * high) >> 16) + 2) >> 2;
                 });
}

} // namespace tensor

// `table` has two ints for each column of the resized image, then for each row: where the first
// pixel is, and two weights. `numbers` has the matrix of a planar layout, three factors and three
// offsets, then what each sample of each channel is in half precision.
extern "C" __global__ void tensor_normalize(const unsigned char *input, unsigned char *output,
                                            int in_width, int in_height, int in_channels,
                                            int layout,
                                            int width, int height, int inner_width,
                                            int inner_height, int left, int top, int mode,
                                            int element, int planar, int blue_first, int bars,
                                            const unsigned char *table,
                                            const unsigned char *numbers) {
  using namespace tensor;
  const int *matrix = reinterpret_cast<const int *>(numbers);
  const float *factors = reinterpret_cast<const float *>(matrix + spaces::NUMBERS);
  const float *offsets = factors + 3;
  const unsigned short *halves = reinterpret_cast<const unsigned short *>(offsets + 3);
  const int channels = min(in_channels, 3), bytes = element == U8 ? 1 : element == F16 ? 2 : 4;
  const size_t plane = static_cast<size_t>(width) * height;
  Source source = {input, in_width, in_height, in_channels, layout, matrix};
  source.data = BATCH(input, layout == INTERLEAVED
                                 ? static_cast<size_t>(in_width) * in_height * in_channels
                                 : source.planes().bytes());
  output = BATCH(output, plane * channels * bytes);
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const int in_x = x - left, in_y = y - top;
  const bool inside = in_x >= 0 && in_y >= 0 && in_x < inner_width && in_y < inner_height;
  const int *column = reinterpret_cast<const int *>(table) + 2 * (inside ? in_x : 0);
  const int *row = reinterpret_cast<const int *>(table) + 2 * (inside ? inner_width + in_y : 0);
  const Pixel bar = {bars & 255, bars >> 8 & 255, bars >> 16 & 255, 0};
  const Pixel made = inside ? resized(source, mode, column, row, in_x, in_y) : bar;
  for (int channel = 0; channel < channels; ++channel) {
    const int value = channel == 0 ? made.r : channel == 1 ? made.g : made.b;
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
