// NV12 and I420 to interleaved pixels of any colour space, and back: the integers of the CPU.
//
// A thread does four pixels of two rows, which share two samples each of chroma.

namespace convert {

// What a thread does: so many pixels, at most four, of two rows.
struct Place {
  int left, top, pixels;
};

__device__ __forceinline__ Place place(int width) {
  const int left = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
  const int top = (blockIdx.y * blockDim.y + threadIdx.y) * 2;
  return {left, top, min(4, width - left)};
}

// The byte beyond an odd width that NV12 has.
__device__ __forceinline__ void write_beyond(unsigned char *output, const Planes &planes,
                                             const Place &at, int y, int value) {
  if (at.left == 0 && planes.stride() > planes.width) {
    output[planes.luma(planes.width, y)] = value;
  }
}

// The samples of four pixels, of so many channels, as a planar image has them: luma of this row,
// chroma of the first and the third pixel if the row is an upper one.
template <int CHANNELS>
__device__ __forceinline__ void to_planar(const unsigned char *from, unsigned char *output,
                                          const Planes &planes, const Place &at, int y, int space,
                                          const int *numbers, const unsigned char *tables) {
  const int *of_space = numbers + spaces::NUMBERS;
  const Group<4 * CHANNELS> samples = wide::read_some<4 * CHANNELS>(from, at.pixels * CHANNELS);
  const auto sample = [&](int index) { return samples.get(index); };
  Group<4> luma = {};
#pragma unroll
  for (int x = 0; x < 4; ++x) {
    const Pixel rgb =
        spaces::to_rgb(wide::pixel<CHANNELS>(sample, x * CHANNELS), space, of_space, tables);
    luma.put(x, spaces::sum(numbers, rgb, numbers[9]));
    if (x % 2 == 0 && x < at.pixels && y == at.top) {
      output[planes.chroma((at.left + x) / 2, y / 2, 0)] = spaces::sum(numbers + 3, rgb, 128);
      output[planes.chroma((at.left + x) / 2, y / 2, 1)] = spaces::sum(numbers + 6, rgb, 128);
    }
  }
  wide::write_some(luma, output + planes.luma(at.left, y), at.pixels);
}

} // namespace convert

extern "C" __global__ void convert_gray(const unsigned char *input, unsigned char *output,
                                        int width, int height, int nv12, int black, int luma) {
  using namespace convert;
  const Planes planes = {width, height, nv12 != 0};
  const size_t pixels = static_cast<size_t>(width) * height;
  input = BATCH(input, planes.bytes()), output = BATCH(output, pixels);
  const Place at = place(width);
  if (at.pixels <= 0) {
    return;
  }
  for (int y = at.top; y < min(at.top + 2, height); ++y) {
    const Group<4> levels = wide::read_some<4>(input + planes.luma(at.left, y), at.pixels);
    Group<4> greys = {};
#pragma unroll
    for (int x = 0; x < 4; ++x) {
      const int level = levels.get(x);
      const int grey = (max(level - black, 0) * luma + (1 << 19)) >> 20;
      greys.put(x, black == 0 ? level : min(grey, 255));
    }
    wide::write_some(greys, output + static_cast<size_t>(y) * width + at.left, at.pixels);
  }
}

extern "C" __global__ void convert_planes(const unsigned char *input, unsigned char *output,
                                          int width, int height, int from_nv12, int to_nv12) {
  using namespace convert;
  const Planes from = {width, height, from_nv12 != 0}, to = {width, height, to_nv12 != 0};
  input = BATCH(input, from.bytes()), output = BATCH(output, to.bytes());
  const Place at = place(width);
  if (at.pixels <= 0 || at.top >= height) {
    return;
  }
  for (int y = at.top; y < min(at.top + 2, height); ++y) {
    const Group<4> levels = wide::read_some<4>(input + from.luma(at.left, y), at.pixels);
    wide::write_some(levels, output + to.luma(at.left, y), at.pixels);
    // What the input has there, if it is the same layout.
    write_beyond(output, to, at, y, from_nv12 ? input[from.luma(from.stride() - 1, y)] : 0);
  }
  for (int x = at.left / 2; x < (at.left + at.pixels + 1) / 2; ++x) {
    for (int which = 0; which < 2; ++which) {
      output[to.chroma(x, at.top / 2, which)] = input[from.chroma(x, at.top / 2, which)];
    }
  }
}

extern "C" __global__ void convert_from_planar(const unsigned char *input, unsigned char *output,
                                               int width, int height, int nv12, int space,
                                               const unsigned char *data) {
  using namespace convert;
  const Planes planes = {width, height, nv12 != 0};
  const int channels = space == spaces::GRAY ? 1 : 3;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, planes.bytes()), output = BATCH(output, bytes);
  const int *numbers = reinterpret_cast<const int *>(data);
  const int *of_space = numbers + spaces::NUMBERS, *weights = of_space + spaces::NUMBERS;
  const unsigned char *tables = reinterpret_cast<const unsigned char *>(weights + 3);
  const Place at = place(width);
  if (at.pixels <= 0 || at.top >= height) {
    return;
  }
  const int first = at.left / 2, second = min(first + 1, planes.half() - 1), row = at.top / 2;
  const int cb[2] = {input[planes.chroma(first, row, 0)], input[planes.chroma(second, row, 0)]};
  const int cr[2] = {input[planes.chroma(first, row, 1)], input[planes.chroma(second, row, 1)]};
  for (int y = at.top; y < min(at.top + 2, height); ++y) {
    const Group<4> levels = wide::read_some<4>(input + planes.luma(at.left, y), at.pixels);
    unsigned char *to = output + (static_cast<size_t>(y) * width + at.left) * channels;
    Group<4> greys = {};
    Group<12> pixels = {};
    const auto put = [&](int place, int value) { pixels.put(place, value); };
#pragma unroll
    for (int x = 0; x < 4; ++x) {
      const Pixel ycbcr = {levels.get(x), cb[x / 2], cr[x / 2], 255};
      const Pixel rgb = spaces::to_rgb(ycbcr, spaces::YCBCR, numbers, tables);
      if (space == spaces::GRAY) {
        greys.put(x, spaces::weigh(rgb, weights));
      } else {
        wide::put<3>(spaces::from_rgb(rgb, space, of_space, tables), 3 * x, put);
      }
    }
    if (space == spaces::GRAY) {
      wide::write_some(greys, to, at.pixels);
    } else {
      wide::write_some(pixels, to, 3 * at.pixels);
    }
  }
}

extern "C" __global__ void convert_to_planar(const unsigned char *input, unsigned char *output,
                                             int width, int height, int channels, int nv12,
                                             int space, const unsigned char *data) {
  using namespace convert;
  const Planes planes = {width, height, nv12 != 0};
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, planes.bytes());
  const int *numbers = reinterpret_cast<const int *>(data);
  const unsigned char *tables =
      reinterpret_cast<const unsigned char *>(numbers + 2 * spaces::NUMBERS + 3);
  const Place at = place(width);
  if (at.pixels <= 0) {
    return;
  }
  for (int y = at.top; y < min(at.top + 2, height); ++y) {
    const unsigned char *from = input + (static_cast<size_t>(y) * width + at.left) * channels;
    switch (channels) {
    case 1:
      to_planar<1>(from, output, planes, at, y, space, numbers, tables);
      break;
    case 3:
      to_planar<3>(from, output, planes, at, y, space, numbers, tables);
      break;
    default:
      to_planar<4>(from, output, planes, at, y, space, numbers, tables);
    }
    write_beyond(output, planes, at, y, 0);
  }
}
