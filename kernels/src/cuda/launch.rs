//! What runs on the device, as data.

/// A file of CUDA C++. `common.cuh`, `wide.cuh` and `tile.cuh` stand before it when it is
/// compiled.
#[derive(Debug, PartialEq, Eq)]
pub struct CudaSource {
    /// Its name, unique, for messages and caches.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// What an operation is on a GPU.
#[derive(Clone, Debug, PartialEq)]
pub enum CudaWork {
    /// Each pixel depends on the same pixel of the input only. Neighbouring steps of this kind
    /// become one kernel, which is generated for them.
    Pointwise(CudaPointwise),
    /// Kernels one after the other.
    Program(CudaProgram),
}

/// A device function of `pointwise.cu`:
/// `Pixel function(Pixel pixel, const int *constants, const unsigned char *table)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CudaPointwise {
    /// Its name.
    pub function: &'static str,
    /// What it is given; `float`s as their bits, for `as_float`.
    pub constants: Vec<i32>,
    /// What it can look up.
    pub table: Option<Vec<u8>>,
}

/// Kernels, and the memory that they share.
#[derive(Clone, Debug, PartialEq)]
pub struct CudaProgram {
    /// Bytes of each buffer that lives as long as the program runs, for each image of a batch.
    /// What stands in it at first is left over.
    pub scratch: Vec<usize>,
    /// Constants that are too large for arguments; the same for all images of a batch. They stay
    /// on the device as long as the operation is used.
    pub data: Vec<Vec<u8>>,
    /// In order. The first reads the input, the last completes the output.
    pub launches: Vec<Launch>,
}

/// One launch of a kernel. Images are packed. The third dimension of the grid counts the images of
/// a batch: kernels find theirs with `BATCH(pointer, bytes of one)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Where the kernel is.
    pub source: &'static CudaSource,
    /// What it is called there.
    pub kernel: &'static str,
    /// Blocks, across and down.
    pub grid: (u32, u32),
    /// Threads of a block, across and down.
    pub block: (u32, u32),
    /// Dynamic shared memory of a block.
    pub shared_bytes: u32,
    /// In the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
}

/// The most numbers of an [`Argument::Ints`]: all arguments of a kernel have to fit into 4 KB.
pub const MOST_INTS: usize = 512;

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `const unsigned char *`: the pixels of the input.
    Input,
    /// `unsigned char *`: the pixels of the result.
    Output,
    /// `unsigned char *`: that buffer of [`CudaProgram::scratch`].
    Scratch(usize),
    /// `const unsigned char *`: that entry of [`CudaProgram::data`].
    Data(usize),
    /// `int`.
    Int(i32),
    /// `float`.
    Float(f32),
    /// `Constants<N>`: so many `int`s by value. At most [`MOST_INTS`].
    Ints(Vec<i32>),
}
