// Another size. The tables and the integers are those of the CPU code, so the results are the same.
//
// All kernels work on one plane and take the same first parameters: where the planes lie in the
// images, and how large they are. Rows are counted in bytes, widths in pixels. `rest` says that one
// byte is left of each row of the result (luma of NV12 with an odd width), which becomes 0.
//
// A thread makes four pixels of a row, as far from each other as a row of the block is long:
// neighbouring threads make neighbouring pixels, so that what a warp reads lies together however
// much the image shrinks. What the block has made of a row is written by all of it, in words.

#define RESIZE_PLANES                                                                              \
  const unsigned char *input, unsigned char *output, int in_bytes, int out_bytes, int in_start,    \
      int in_row, int width, int height, int channels, int out_start, int out_row, int out_width,  \
      int out_height, int rest

// Finds the row of the result that this thread works on. Threads beyond the last one do that again,
// and do not write it.
#define RESIZE_LINE                                                                                \
  const int at_row = blockIdx.y * blockDim.y + threadIdx.y, row = min(at_row, out_height - 1);     \
  output = BATCH(output, out_bytes) + out_start + static_cast<size_t>(row) * out_row;              \
  const resize::Line line = {BATCH(input, in_bytes) + in_start, in_row, height, channels, output,  \
                             out_width, row == at_row, rest != 0};                                 \
  static_cast<void>(width);

namespace resize {

// A table: for each pixel of the result the first pixel of the input, then the weights of the first
// pixels, of the second ones, and so on.
struct Taps {
  const int *first;
  const short *weights;
  int pixels;

  __device__ __forceinline__ int weight(int tap, int pixel) const {
    return weights[tap * pixels + pixel];
  }
};

__device__ __forceinline__ Taps taps(const unsigned char *data, int pixels) {
  const int *first = reinterpret_cast<const int *>(data);
  return {first, reinterpret_cast<const short *>(first + pixels), pixels};
}

// The samples of a pixel in memory. Two or four lie aligned, and are one access.
template <class Sample, int CHANNELS>
struct alignas(CHANNELS == 3 ? sizeof(Sample) : CHANNELS * sizeof(Sample)) Packed {
  Sample of[CHANNELS];
};

// A number for each sample of a pixel.
template <int CHANNELS> struct Sums {
  unsigned of[CHANNELS];

  // With that pixel of a row added.
  __device__ __forceinline__ Sums plus(const unsigned char *row, int x, int weight = 1) const {
    const auto pixel = reinterpret_cast<const Packed<unsigned char, CHANNELS> *>(row)[x];
    Sums sums = *this;
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
      sums.of[channel] += pixel.of[channel] * weight;
    }
    return sums;
  }

  template <class Sample> __device__ __forceinline__ Packed<Sample, CHANNELS> packed() const {
    Packed<Sample, CHANNELS> pixel;
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
      pixel.of[channel] = static_cast<Sample>(of[channel]);
    }
    return pixel;
  }

  // What `work` makes of each, and of that of others.
  template <class Work, class... Others>
  __device__ __forceinline__ Sums each(const Work &work, const Others &...others) const {
    Sums made = {};
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
      made.of[channel] = work(of[channel], others.of[channel]...);
    }
    return made;
  }
};

// A row of the result, and what it is made of.
struct Line {
  const unsigned char *input;
  int in_row, height, channels;
  unsigned char *output;
  int pixels;
  bool mine, rest;

  // A row of the input, or the nearest that there is.
  __device__ __forceinline__ const unsigned char *from(int y) const {
    return input + static_cast<size_t>(min(max(y, 0), height - 1)) * in_row;
  }

  // Makes this thread's pixels, with samples of that type: `pixel` gets the number of one, and what
  // to add to, which is 0.
  template <class Sample, class Pixel>
  __device__ __forceinline__ void make(const Pixel &pixel) const {
    switch (channels) {
    case 1:
      return make_with<1, Sample>(pixel);
    case 2:
      return make_with<2, Sample>(pixel);
    case 3:
      return make_with<3, Sample>(pixel);
    default:
      return make_with<4, Sample>(pixel);
    }
  }

  template <int CHANNELS, class Sample, class Pixel>
  __device__ __forceinline__ void make_with(const Pixel &pixel) const {
    constexpr int BYTES = CHANNELS * sizeof(Sample);
    const int count = 4 * blockDim.x, first = blockIdx.x * count;
    DYN_SHARED(unsigned char, shared);
    unsigned char *made = shared + threadIdx.y * count * BYTES;
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      const int x = at * blockDim.x + threadIdx.x;
      const Sums<CHANNELS> sums = pixel(min(first + x, pixels - 1), Sums<CHANNELS>{});
      reinterpret_cast<Packed<Sample, CHANNELS> *>(made)[x] = sums.template packed<Sample>();
    }
    __syncthreads();
    if (mine) {
      wide::write_row(made, output + first * BYTES, min(count, pixels - first) * BYTES);
      clear_rest();
    }
  }

  __device__ __forceinline__ void clear_rest() const {
    if (rest && blockIdx.x == 0 && threadIdx.x == 0) {
      output[pixels * channels] = 0;
    }
  }
};

// What a pixel of the result is made of: of one pixel of a row,
struct Nearest {
  const unsigned char *from;
  const int *columns;

  template <int CHANNELS>
  __device__ __forceinline__ Sums<CHANNELS> operator()(int pixel, Sums<CHANNELS> zero) const {
    return zero.plus(from, columns[pixel]);
  }
};

// of two by two pixels,
struct Halves {
  const unsigned char *upper, *lower;

  template <int CHANNELS>
  __device__ __forceinline__ Sums<CHANNELS> operator()(int pixel, Sums<CHANNELS> zero) const {
    const int x = 2 * pixel;
    return zero.plus(upper, x).plus(upper, x + 1).plus(lower, x).plus(lower, x + 1).each(
        [](unsigned sum) { return (sum + 2) >> 2; });
  }
};

// of a block of any size, from a row on,
struct Blocks {
  const unsigned char *from;
  int in_row, across, down;

  template <int CHANNELS>
  __device__ __forceinline__ Sums<CHANNELS> operator()(int pixel, Sums<CHANNELS> sums) const {
    for (int y = 0; y < down; ++y) {
      for (int x = 0; x < across; ++x) {
        sums = sums.plus(from + static_cast<size_t>(y) * in_row, pixel * across + x);
      }
    }
    const float share = 1.0f / static_cast<float>(across * down);
    return sums.each([=](unsigned sum) {
      return static_cast<int>(rintf(static_cast<float>(sum) * share));
    });
  }
};

// of two pixels of each of two rows,
struct Linear {
  const unsigned char *upper, *lower;
  int above, below, width;
  Taps taps;

  template <int CHANNELS>
  __device__ __forceinline__ Sums<CHANNELS> operator()(int pixel, Sums<CHANNELS> zero) const {
    const int left = taps.first[pixel], right = min(left + 1, width - 1);
    const int before = taps.weight(0, pixel), after = taps.weight(1, pixel);
    return zero.plus(upper, left, before).plus(upper, right, after).each(
        [&](int a, int b) {
          return ((((a >> 4) * above) >> 16) + (((b >> 4) * below) >> 16) + 2) >> 2;
        },
        zero.plus(lower, left, before).plus(lower, right, after));
  }
};

// of so many pixels of a row.
struct Across {
  const unsigned char *from;
  int width, count, shift;
  Taps taps;

  template <int CHANNELS>
  __device__ __forceinline__ Sums<CHANNELS> operator()(int pixel, Sums<CHANNELS> sums) const {
    const int left = taps.first[pixel];
    for (int tap = 0; tap < count; ++tap) {
      sums = sums.plus(from, min(left + tap, width - 1), taps.weight(tap, pixel));
    }
    return sums.each([&](int sum) { return (sum + (1 << (shift - 1))) >> shift; });
  }
};

} // namespace resize

// One colour, all over the result; the first sample of a pixel is the lowest byte of `color`.
extern "C" __global__ void resize_fill(unsigned char *output, int bytes, int channels, int color) {
  output = BATCH(output, bytes);
  const long long first = wide::first_byte();
  Group<16> group = {};
  int channel = first % channels;
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    group.put(at, color >> 8 * channel);
    channel = channel + 1 < channels ? channel + 1 : 0;
  }
  wide::write(group, output, first, bytes);
}

extern "C" __global__ void resize_nearest(RESIZE_PLANES, const unsigned char *across,
                                          const unsigned char *down) {
  RESIZE_LINE
  const int *columns = reinterpret_cast<const int *>(across);
  const int *rows = reinterpret_cast<const int *>(down);
  line.make<unsigned char>(resize::Nearest{line.from(rows[row]), columns});
}

// Means of blocks of pixels.
extern "C" __global__ void resize_blocks(RESIZE_PLANES, int across, int down) {
  RESIZE_LINE
  const unsigned char *from = line.from(row * down);
  if (across == 2 && down == 2 && channels != 2) {
    return line.make<unsigned char>(resize::Halves{from, from + in_row});
  }
  line.make<unsigned char>(resize::Blocks{from, in_row, across, down});
}

extern "C" __global__ void resize_linear(RESIZE_PLANES, const unsigned char *across,
                                         const unsigned char *down) {
  RESIZE_LINE
  const resize::Taps x = resize::taps(across, out_width), y = resize::taps(down, out_height);
  const int upper = y.first[row];
  line.make<unsigned char>(resize::Linear{line.from(upper), line.from(upper + 1), y.weight(0, row),
                                          y.weight(1, row), width, x});
}

// The pass along rows; the result is 16 bits a sample.
extern "C" __global__ void resize_across(RESIZE_PLANES, const unsigned char *across, int count,
                                         int shift) {
  RESIZE_LINE
  const resize::Taps x = resize::taps(across, out_width);
  line.make<short>(resize::Across{line.from(row), width, count, shift, x});
}

// The pass down columns of what the pass along rows made. It is the same for all samples, so these
// are given as pixels of one channel. Their rows start aligned: so a thread makes four that lie
// together.
extern "C" __global__ void resize_down(RESIZE_PLANES, const unsigned char *down, int count,
                                       int bits) {
  RESIZE_LINE
  const int first = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (!line.mine || first >= out_width) {
    return;
  }
  const resize::Taps y = resize::taps(down, out_height);
  int sums[4] = {};
  for (int tap = 0; tap < count; ++tap) {
    const unsigned char *from = line.from(y.first[row] + tap) + 2 * first;
    const auto four = *reinterpret_cast<const resize::Packed<short, 4> *>(from);
    const int weight = y.weight(tap, row);
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      sums[at] += four.of[at] * weight;
    }
  }
  Group<4> samples = {};
#pragma unroll
  for (int at = 0; at < 4; ++at) {
    samples.put(at, to_sample((sums[at] + (1 << (bits - 1))) >> bits));
  }
  wide::write_some(samples, output + first, min(4, out_width - first));
  line.clear_rest();
}
