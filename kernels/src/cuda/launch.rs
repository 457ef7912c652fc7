//! Launches of kernels, as plain data.

/// A file of CUDA C++. It is compiled with `common.cuh`, `wide.cuh` and `tile.cuh` in front of it.
#[derive(Debug, PartialEq, Eq)]
pub struct CudaSource {
    /// The unique name of the file, for messages and caches.
    pub name: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

/// The work of an operation on a GPU.
#[derive(Clone, Debug, PartialEq)]
pub enum CudaWork {
    /// Each pixel depends only on the same pixel of the input. Neighbouring steps of this kind
    /// become one kernel, which is generated for them.
    Pointwise(CudaPointwise),
    /// Several kernels, one after the other.
    Program(CudaProgram),
}

/// A device function of `pointwise.cu`: `Pixel function(Pixel pixel, const int *constants, const
/// unsigned char *table)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CudaPointwise {
    /// The name of the function.
    pub function: &'static str,
    /// The constants of the function; a `float` is passed as its bits, for `as_float`.
    pub constants: Vec<i32>,
    /// The table of the function, if it has one.
    pub table: Option<Vec<u8>>,
}

/// Kernels, and the memory that they share.
#[derive(Clone, Debug, PartialEq)]
pub struct CudaProgram {
    /// The bytes, for each image of a batch, of each buffer that lives while the program runs.
    /// Buffers are not cleared.
    pub scratch: Vec<usize>,
    /// Constants that are too large for arguments; they are the same for all images of a batch.
    /// They stay on the device while the operation is in use.
    pub data: Vec<Vec<u8>>,
    /// The launches, in order. The first reads the input, the last completes the output.
    pub launches: Vec<Launch>,
}

/// One launch of a kernel. Images have no padding. The third dimension of the grid counts the
/// images of a batch: a kernel finds its image with `BATCH(pointer, bytes of one)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The file that has the kernel.
    pub source: &'static CudaSource,
    /// The name of the kernel in that file.
    pub kernel: &'static str,
    /// The number of blocks, across and down.
    pub grid: (u32, u32),
    /// The number of threads in a block, across and down.
    pub block: (u32, u32),
    /// The dynamic shared memory of a block in bytes.
    pub shared_bytes: u32,
    /// The arguments, in the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
}

/// The largest number of integers in an [`Argument::Ints`]: all arguments of a kernel have to fit
/// into 4 KB.
pub const MOST_INTS: usize = 512;

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `const unsigned char *`: the pixels of the input.
    Input,
    /// `unsigned char *`: the pixels of the result.
    Output,
    /// `unsigned char *`: a buffer of [`CudaProgram::scratch`], by index.
    Scratch(usize),
    /// `const unsigned char *`: an entry of [`CudaProgram::data`], by index.
    Data(usize),
    /// `int`: a number.
    Int(i32),
    /// `float`: a number in single precision.
    Float(f32),
    /// `Constants<N>`: several `int`s by value, at most [`MOST_INTS`].
    Ints(Vec<i32>),
}
