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

// Pixels of a row that a thread makes.
enum { EACH = 4 };

// A row of the resized image, and the first of its pixels that a thread makes. The others are as
// far from each other as a row of the block is long: neighbouring threads make neighbouring pixels,
// so that what they read lies together however much the image shrinks.
struct Line {
  const int *table;
  int x, y, width;

  // The samples of each become the bytes of a word. Beyond the row it is the last pixel. What the
  // source is and the mode are known where this is called: so nothing is waited for but pixels.
  __device__ __forceinline__ void make(const Source &source, int mode, unsigned *made) const {
#pragma unroll
    for (int at = 0; at < EACH; ++at) {
      const int column = min(max(x + at * static_cast<int>(blockDim.x), 0), width - 1);
      const Pixel p = resized(source, mode, table + 2 * column, table + 2 * (width + y), column, y);
      made[at * blockDim.x] = p.r | p.g << 8 | p.b << 16;
    }
  }

  __device__ __forceinline__ void make_by(const Source &source, int mode, unsigned *made) const {
    switch (mode) {
    case COPY:
      return make(source, COPY, made);
    case LINEAR:
      return make(source, LINEAR, made);
    default:
      return make(source, BLOCKS, made);
    }
  }
};

// Where the numbers of a thread go, which are those of neighbouring pixels of a row.
struct Place {
  unsigned char *output;
  size_t pixel, plane; // the first one, and how many a plane has
  int count, channels;
  bool planar, blue_first;

  // Writes numbers of so many bytes: `number` makes their bits, of a channel and a sample.
  template <int SIZE, class Number>
  __device__ __forceinline__ void write(const Group<4 * EACH> &made, const Number &number) const {
    Group<3 * EACH * SIZE> all = {};
#pragma unroll
    for (int place = 0; place < 3; ++place) {
      if (place < channels) {
        const int channel = blue_first ? channels - 1 - place : place;
        Group<EACH * SIZE> one = {};
#pragma unroll
        for (int at = 0; at < EACH; ++at) {
          const int bits = number(channel, made.word[at] >> 8 * channel & 255);
          one.put(at, bits, SIZE);
          all.put(3 * at + place, bits, SIZE);
        }
        if (planar) {
          wide::write_some(one, output + (place * plane + pixel) * SIZE, count * SIZE);
        }
      }
    }
    if (!planar) {
      wide::write_some(all, output + 3 * pixel * SIZE, 3 * count * SIZE);
    }
  }
};

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
  DYN_SHARED(unsigned, shared);
  unsigned *const row = shared + threadIdx.y * blockDim.x * EACH;
  const int first = blockIdx.x * blockDim.x * EACH, y = blockIdx.y * blockDim.y + threadIdx.y;
  const bool inside = y >= top && y < top + inner_height;
  if (inside) {
    const Line line = {reinterpret_cast<const int *>(table),
                       first + static_cast<int>(threadIdx.x) - left, y - top, inner_width};
    if (layout == INTERLEAVED) {
      source.layout = INTERLEAVED;
      line.make_by(source, mode, row + threadIdx.x);
    } else {
      line.make_by(source, mode, row + threadIdx.x);
    }
  }
  __syncthreads();
  const int x = first + threadIdx.x * EACH;
  if (x >= width || y >= height) {
    return;
  }
  Group<4 * EACH> made = {};
  made.set(0, reinterpret_cast<const uint4 *>(row)[threadIdx.x]);
#pragma unroll
  for (int at = 0; at < EACH; ++at) {
    const int column = x + at - left;
    made.word[at] = inside && column >= 0 && column < inner_width ? made.word[at] : bars;
  }
  const size_t pixel = static_cast<size_t>(y) * width + x;
  const Place place = {output, pixel, plane, min(static_cast<int>(EACH), width - x),
                       channels, planar || channels == 1, blue_first != 0};
  if (element == U8) {
    place.write<1>(made, [](int, int sample) { return sample; });
  } else if (element == F16) {
    place.write<2>(made, [=](int channel, int sample) { return halves[256 * channel + sample]; });
  } else {
    place.write<4>(made, [=](int channel, int sample) {
      return __float_as_int(static_cast<float>(sample) * factors[channel] + offsets[channel]);
    });
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
