// NV12 and I420 to interleaved pixels of any colour space, and back: the integers of the CPU.
//
// A thread does the two by two pixels that share a sample of chroma. Images are packed; a row of
// NV12 has an even number of bytes.

namespace convert {

// Where the samples of a planar image are.
struct Planes {
  int width, height;
  bool nv12;

  __device__ __forceinline__ int half() const { return (width + 1) / 2; }
  __device__ __forceinline__ int stride() const { return nv12 ? 2 * half() : width; }
  __device__ __forceinline__ size_t luma(int x, int y) const {
    return static_cast<size_t>(y) * stride() + x;
  }
  // Of Cb (0) or Cr (1) of the two by two pixels at that position.
  __device__ __forceinline__ size_t chroma(int x, int y, int which) const {
    const size_t above = static_cast<size_t>(stride()) * height;
    const size_t at = static_cast<size_t>(y) * half() + x;
    const size_t plane = static_cast<size_t>(half()) * ((height + 1) / 2);
    return above + (nv12 ? 2 * at + which : which * plane + at);
  }
  __device__ __forceinline__ size_t bytes() const {
    return static_cast<size_t>(stride()) * height +
           2 * static_cast<size_t>(half()) * ((height + 1) / 2);
  }
};

__device__ __forceinline__ void place(int *x, int *y) {
  *x = blockIdx.x * blockDim.x + threadIdx.x;
  *y = blockIdx.y * blockDim.y + threadIdx.y;
}

// The byte beyond an odd width that NV12 has.
__device__ __forceinline__ void clear_beyond(unsigned char *output, const Planes &planes, int y) {
  if (planes.stride() > planes.width) {
    output[planes.luma(planes.width, y)] = 0;
  }
}

} // namespace convert

extern "C" __global__ void convert_gray(const unsigned char *input, unsigned char *output,
                                        int width, int height, int nv12, int black, int luma) {
  using namespace convert;
  const Planes planes = {width, height, nv12 != 0};
  const size_t pixels = static_cast<size_t>(width) * height;
  input = BATCH(input, planes.bytes()), output = BATCH(output, pixels);
  int left, top;
  place(&left, &top);
  for (int y = 2 * top; y < min(2 * top + 2, height); ++y) {
    for (int x = 2 * left; x < min(2 * left + 2, width); ++x) {
      const int level = input[planes.luma(x, y)];
      const int grey = (max(level - black, 0) * luma + (1 << 19)) >> 20;
      output[static_cast<size_t>(y) * width + x] = black == 0 ? level : min(grey, 255);
    }
  }
}

extern "C" __global__ void convert_planes(const unsigned char *input, unsigned char *output,
                                          int width, int height, int from_nv12, int to_nv12) {
  using namespace convert;
  const Planes from = {width, height, from_nv12 != 0}, to = {width, height, to_nv12 != 0};
  input = BATCH(input, from.bytes()), output = BATCH(output, to.bytes());
  int left, top;
  place(&left, &top);
  if (2 * left >= width || 2 * top >= height) {
    return;
  }
  for (int y = 2 * top; y < min(2 * top + 2, height); ++y) {
    for (int x = 2 * left; x < min(2 * left + 2, width); ++x) {
      output[to.luma(x, y)] = input[from.luma(x, y)];
    }
    if (left == 0 && to.stride() > width) {
      // What the input has there, if it is the same layout.
      output[to.luma(width, y)] = from_nv12 ? input[from.luma(width, y)] : 0;
    }
  }
  for (int which = 0; which < 2; ++which) {
    output[to.chroma(left, top, which)] = input[from.chroma(left, top, which)];
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
  int left, top;
  place(&left, &top);
  if (2 * left >= width || 2 * top >= height) {
    return;
  }
  const int cb = input[planes.chroma(left, top, 0)], cr = input[planes.chroma(left, top, 1)];
  for (int y = 2 * top; y < min(2 * top + 2, height); ++y) {
    for (int x = 2 * left; x < min(2 * left + 2, width); ++x) {
      const Pixel ycbcr = {input[planes.luma(x, y)], cb, cr, 255};
      const Pixel rgb = spaces::to_rgb(ycbcr, spaces::YCBCR, numbers, tables);
      unsigned char *to = output + (static_cast<size_t>(y) * width + x) * channels;
      if (space == spaces::GRAY) {
        to[0] = spaces::weigh(rgb, weights);
        continue;
      }
      const Pixel pixel = spaces::from_rgb(rgb, space, of_space, tables);
      to[0] = pixel.r, to[1] = pixel.g, to[2] = pixel.b;
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
  const int *of_space = numbers + spaces::NUMBERS;
  const unsigned char *tables =
      reinterpret_cast<const unsigned char *>(of_space + spaces::NUMBERS + 3);
  int left, top;
  place(&left, &top);
  if (2 * left >= width || 2 * top >= height) {
    return;
  }
  for (int y = 2 * top; y < min(2 * top + 2, height); ++y) {
    for (int x = 2 * left; x < min(2 * left + 2, width); ++x) {
      const unsigned char *from = input + (static_cast<size_t>(y) * width + x) * channels;
      const bool grey = channels == 1;
      const Pixel pixel = {from[0], grey ? 0 : from[1], grey ? 0 : from[2], 255};
      const Pixel rgb = spaces::to_rgb(pixel, space, of_space, tables);
      output[planes.luma(x, y)] = spaces::sum(numbers, rgb, numbers[9]);
      if (x == 2 * left && y == 2 * top) {
        output[planes.chroma(left, top, 0)] = spaces::sum(numbers + 3, rgb, 128);
        output[planes.chroma(left, top, 1)] = spaces::sum(numbers + 6, rgb, 128);
      }
    }
    if (left == 0) {
      clear_beyond(output, planes, y);
    }
  }
}
