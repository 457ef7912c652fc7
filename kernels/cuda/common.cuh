// What all kernels share. It stands before every other file when that is compiled; between the two
// stand wide.cuh and tile.cuh.
//
// Rules for kernels, so that the same files run on a CPU in the tests (host_shim/):
// - no warp functions, no textures; __syncthreads(), __shared__ through DYN_SHARED, atomicAdd on
//   int and unsigned, atomicMin and atomicMax on int, and ATOMIC_LOAD are there;
// - every thread of a block reaches every __syncthreads(), also those outside of the image;
// - everything but kernels is in a namespace of the file's own, and names of kernels start with it;
// - arithmetic is the CPU code's: integers where they do, floats in the same order. Nothing is
//   contracted to fused multiply-adds (--fmad=false).

// The dynamic shared memory of a block. One declaration for all kernels of a file: it may have only
// one type there. 16 bytes aligned.
#ifndef DYN_SHARED
#define DYN_SHARED(type, name)                                                                     \
  extern __shared__ uint4 dynamic_shared[];                                                        \
  type *const name = reinterpret_cast<type *>(dynamic_shared)
#endif

// What other threads write at the same time.
#ifndef ATOMIC_LOAD
#define ATOMIC_LOAD(pointer) (*static_cast<const volatile int *>(pointer))
#endif

// From one image of a batch to the next: they lie 256 bytes aligned one after the other.
#define SPACING(bytes) ((static_cast<size_t>(bytes) + 255) / 256 * 256)

// The image of a batch that this block works on.
#define BATCH(pointer, bytes) ((pointer) + blockIdx.z * SPACING(bytes))

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

// Where the samples of a planar image are. Images are packed; a row of NV12 has an even number of
// bytes.
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

// Colour spaces, as src/colour/spaces/ has them on the CPU: the same integers and floats.
namespace spaces {

// Space::code()
enum { RGB, BGR, GRAY, HSV, HSV_FULL, LAB, YCBCR };
// Of a matrix: Y, Cb, Cr from RGB; black; of luma, red from Cr, green from Cb and Cr, blue from Cb;
// whether to YCbCr it is the one of OpenCV.
enum { NUMBERS = 16 };

__device__ __forceinline__ int sum(const int *weights, Pixel p, int zero) {
  const int all = p.r * weights[0] + p.g * weights[1] + p.b * weights[2];
  return to_sample((all + (zero << 20) + (1 << 19)) >> 20);
}

// Grey with 15 fractional bits; all weights 0 means lightness.
__device__ __forceinline__ int weigh(Pixel p, const int *k) {
  return k[0] + k[1] + k[2] == 0
             ? (max(p.r, max(p.g, p.b)) + min(p.r, min(p.g, p.b)) + 1) / 2
             : (p.r * k[0] + p.g * k[1] + p.b * k[2] + (1 << 14)) >> 15;
}

// To the nearest whole number, halves to even; of numbers below 2^22.
__device__ __forceinline__ int nearest(float value) {
  const float rounded = (value + 12582912.0f) - 12582912.0f;
  return static_cast<int>(rounded);
}

__device__ __forceinline__ Pixel to_hsv(Pixel p, int hues) {
  const int value = max(p.r, max(p.g, p.b)), range = value - min(p.r, min(p.g, p.b));
  const int per_value = nearest(static_cast<float>(255 << 12) / static_cast<float>(max(value, 1)));
  const int per_range =
      nearest(static_cast<float>(hues << 12) / static_cast<float>(6 * max(range, 1)));
  const int saturation = (range * per_value + (1 << 11)) >> 12;
  const int sixth = value == p.r   ? p.g - p.b
                    : value == p.g ? p.b - p.r + 2 * range
                                   : p.r - p.g + 4 * range;
  const int hue = (sixth * per_range + (1 << 11)) >> 12;
  return {min(hue < 0 ? hue + hues : hue, 255), saturation, value, p.a};
}

__device__ __forceinline__ Pixel from_hsv(Pixel p, int hues) {
  int sector = hues == 180 ? (p.r * 2185) >> 16 : (2 * p.r * 1543) >> 17;
  const float fraction = hues == 180 ? static_cast<float>(p.r - 30 * sector) * (1.0f / 30.0f)
                                     : static_cast<float>(2 * p.r - 85 * sector) * (1.0f / 85.0f);
  sector = sector >= 6 ? sector - 6 : sector;
  const float s = static_cast<float>(p.g) * (1.0f / 255.0f), v = static_cast<float>(p.b);
  const int value = p.b, least = nearest(v * (1.0f - s));
  const int falling = nearest(v * (1.0f - s * fraction));
  const int rising = nearest(v * (1.0f - s * (1.0f - fraction)));
  switch (sector) {
  case 0:
    return {value, rising, least, p.a};
  case 1:
    return {falling, value, least, p.a};
  case 2:
    return {least, value, rising, p.a};
  case 3:
    return {least, falling, value, p.a};
  case 4:
    return {rising, least, value, p.a};
  default:
    return {value, least, falling, p.a};
  }
}

__device__ __forceinline__ Pixel to_ycbcr(Pixel p, const int *matrix) {
  if (!matrix[15]) {
    return {sum(matrix, p, matrix[9]), sum(matrix + 3, p, 128), sum(matrix + 6, p, 128), p.a};
  }
  const int half = 1 << 13, zero = 128 << 14;
  const int y = (4899 * p.r + 9617 * p.g + 1868 * p.b + half) >> 14;
  const int cr = ((p.r - y) * 11682 + zero + half) >> 14;
  const int cb = ((p.b - y) * 9241 + zero + half) >> 14;
  return {to_sample(y), to_sample(cb), to_sample(cr), p.a};
}

__device__ __forceinline__ Pixel from_ycbcr(Pixel p, const int *matrix) {
  const int cb = p.g - 128, cr = p.b - 128;
  const int luma = max(p.r - matrix[9], 0) * matrix[10] + (1 << 19);
  const int red = matrix[11] * cr, green = matrix[12] * cb + matrix[13] * cr;
  const int blue = matrix[14] * cb;
  return {to_sample((luma + red) >> 20), to_sample((luma + green) >> 20),
          to_sample((luma + blue) >> 20), p.a};
}

// A 16-bit number of the tables of Lab: linear light, cube roots, luminance and its root.
__device__ __forceinline__ int word(const unsigned char *tables, int at) {
  return tables[2 * at] | tables[2 * at + 1] << 8;
}
enum { ROOTS = 256, LUMINANCE = ROOTS + 3072, SAMPLES = 2 * (LUMINANCE + 512) };

__device__ __forceinline__ int lab_root(int r, int g, int b, int x, int y, int z,
                                        const unsigned char *tables) {
  return word(tables, ROOTS + min((r * x + g * y + b * z + (1 << 11)) >> 12, 3071));
}

__device__ __forceinline__ Pixel to_lab(Pixel p, const unsigned char *tables) {
  const int r = word(tables, p.r), g = word(tables, p.g), b = word(tables, p.b);
  const int x = lab_root(r, g, b, 1777, 1541, 778, tables);
  const int y = lab_root(r, g, b, 871, 2929, 296, tables);
  const int z = lab_root(r, g, b, 73, 448, 3575, tables);
  const int half = 1 << 14, zero = 128 << 15;
  return {to_sample((296 * y - 1336934 + half) >> 15),
          to_sample((500 * (x - y) + zero + half) >> 15),
          to_sample((200 * (y - z) + zero + half) >> 15), p.a};
}

__device__ __forceinline__ int lab_cube(int root) {
  return root <= 3390 ? root * 108 / 841 - 290 : (((root * root) >> 14) * root) >> 14;
}

__device__ __forceinline__ int lab_sample(int x, int y, int z, int of_x, int of_y, int of_z,
                                          const unsigned char *tables) {
  const int light = (of_x * x + of_y * y + of_z * z + (1 << 13)) >> 14;
  return tables[SAMPLES + min(max(light, 0), 4095)];
}

__device__ __forceinline__ Pixel from_lab(Pixel p, const unsigned char *tables) {
  const int y = word(tables, LUMINANCE + p.r), root = word(tables, LUMINANCE + 256 + p.r);
  const int x = lab_cube(root + ((5 * p.g * 53687 + (1 << 7)) >> 13) - 4194);
  const int z = lab_cube(root - ((p.b * 41943 + (1 << 4)) >> 9) + 10484);
  return {lab_sample(x, y, z, 12615, -6296, -2223, tables),
          lab_sample(x, y, z, -3773, 7684, 185, tables),
          lab_sample(x, y, z, 217, -836, 4715, tables), p.a};
}

__device__ __forceinline__ Pixel to_rgb(Pixel p, int space, const int *matrix,
                                        const unsigned char *tables) {
  switch (space) {
  case BGR:
    return {p.b, p.g, p.r, p.a};
  case GRAY:
    return {p.r, p.r, p.r, p.a};
  case HSV:
    return from_hsv(p, 180);
  case HSV_FULL:
    return from_hsv(p, 256);
  case LAB:
    return from_lab(p, tables);
  case YCBCR:
    return from_ycbcr(p, matrix);
  default:
    return p;
  }
}

__device__ __forceinline__ Pixel from_rgb(Pixel p, int space, const int *matrix,
                                          const unsigned char *tables) {
  const int bt601[3] = {9798, 19235, 3735};
  switch (space) {
  case BGR:
    return {p.b, p.g, p.r, p.a};
  case GRAY: {
    const int grey = weigh(p, bt601);
    return {grey, grey, grey, p.a};
  }
  case HSV:
    return to_hsv(p, 180);
  case HSV_FULL:
    return to_hsv(p, 256);
  case LAB:
    return to_lab(p, tables);
  case YCBCR:
    return to_ycbcr(p, matrix);
  default:
    return p;
  }
}

} // namespace spaces
