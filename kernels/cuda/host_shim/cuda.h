// What CUDA C++ adds to C++, as far as our kernels use it, so that they run on a CPU.
//
// Under the thread sanitizer the threads of a block are threads here, too: a barrier that is missing
// shows as a race. Otherwise they are fibers, which take turns at barriers; without shared memory
// they run one after the other. Blocks always do. Not covered: warp functions, textures.
#pragma once

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "fibers.h"

#define __global__
#define __device__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __syncthreads() shim::wait()
// `extern __shared__ type name[]` needs a macro: nothing else can give it memory.
#define DYN_SHARED(type, name) type *name = reinterpret_cast<type *>(shim::shared.get())

// `volatile` is enough on a device.
#define ATOMIC_LOAD(pointer) __atomic_load_n(pointer, __ATOMIC_RELAXED)

using std::max;
using std::min;

struct Index {
  int x = 0, y = 0, z = 0;
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <class T> T atomicAdd(T *at, T value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}

template <class T> T atomicMax(T *at, T value) {
  T before = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (before < value && !__atomic_compare_exchange_n(at, &before, value, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return before;
}

template <class T> T atomicMin(T *at, T value) {
  T before = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (before > value && !__atomic_compare_exchange_n(at, &before, value, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return before;
}

inline thread_local Index threadIdx;
inline Index blockIdx, blockDim, gridDim;

namespace shim {

inline std::unique_ptr<unsigned char[]> shared;
inline std::optional<std::barrier<>> barrier;
inline fibers::Block fibers_of_block;
// Whether threads run one after the other.
inline bool alone = false;

inline void wait() {
  if (alone) {
    std::cerr << "a barrier in a kernel without shared memory" << std::endl;
    std::exit(1);
  }
#ifdef __SANITIZE_THREAD__
  barrier->arrive_and_wait();
#else
  fibers_of_block.wait();
#endif
}

inline void next_block(Index grid, int number, int threads, size_t shared_bytes) {
  blockIdx = {number % grid.x, number / grid.x % grid.y, number / (grid.x * grid.y)};
  barrier.emplace(threads);
  shared = std::make_unique<unsigned char[]>(shared_bytes);
  // As on a device: whatever was there.
  std::memset(shared.get(), 0xa5, shared_bytes);
}

// Without shared memory there is nothing to wait for: no thread has to wait for another. A barrier
// would wait for ever; its use shows at once instead.
inline void one_by_one(Index grid, Index block, const std::function<void()> &kernel) {
  for (int number = 0; number < grid.x * grid.y * grid.z; ++number) {
    next_block(grid, number, 1, 0);
    for (int index = 0; index < block.x * block.y; ++index) {
      threadIdx = {index % block.x, index / block.x};
      kernel();
    }
  }
}

// Runs a kernel; `shared_bytes` is allocated to the byte, so that an address sanitizer sees more.
inline void launch(Index grid, Index block, size_t shared_bytes, std::function<void()> kernel) {
  gridDim = grid;
  blockDim = block;
#ifndef __SANITIZE_THREAD__
  if (shared_bytes == 0) {
    alone = true;
    one_by_one(grid, block, kernel);
    alone = false;
    return;
  }
  const auto index_of = [&](int index) { threadIdx = {index % block.x, index / block.x}; };
  for (int number = 0; number < grid.x * grid.y * grid.z; ++number) {
    next_block(grid, number, 1, shared_bytes);
    fibers_of_block.run(
        block.x * block.y, [&](int) { kernel(); }, index_of);
  }
#else
  const int count = block.x * block.y;
  std::barrier all(count);
  std::vector<std::jthread> threads;
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&, index] {
      threadIdx = {index % block.x, index / block.x};
      for (int number = 0; number < grid.x * grid.y * grid.z; ++number) {
        all.arrive_and_wait();
        if (index == 0) {
          next_block(grid, number, count, shared_bytes);
        }
        all.arrive_and_wait();
        kernel();
        // A thread that is done must not keep the others waiting.
        barrier->arrive_and_drop();
      }
    });
  }
#endif
}

} // namespace shim
