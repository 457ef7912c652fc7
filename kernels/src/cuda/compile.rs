//! Compiles sources with NVRTC.

use std::ffi::{CString, c_char};
use std::path::PathBuf;

use cudarc::nvrtc::result::{self, NvrtcError};
use cudarc::nvrtc::sys;

use super::CudaError;
use super::devices::{guard, has_compiler};
use super::disk::DiskCache;

/// Options for every source, so that floating point gives the same results as on the CPU.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=false"];

/// The target of a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Machine code of that architecture: no driver has to translate it, and the driver may be
    /// older than the compiler.
    Machine(u32),
    /// PTX, which the driver translates for an architecture that the compiler does not know.
    Ptx(u32),
}

impl Target {
    /// The best target for a device.
    fn of(capability: (u32, u32), supported: &[u32]) -> Option<Self> {
        let device = capability.0 * 10 + capability.1;
        if supported.contains(&device) {
            return Some(Self::Machine(device));
        }
        supported.iter().copied().filter(|known| *known < device).max().map(Self::Ptx)
    }

    fn option(self) -> String {
        match self {
            Self::Machine(number) => format!("--gpu-architecture=sm_{number}"),
            Self::Ptx(number) => format!("--gpu-architecture=compute_{number}"),
        }
    }
}

/// Compiles kernels for one kind of device.
#[derive(Debug)]
pub struct KernelCompiler {
    target: Target,
    version: (i32, i32),
    cache: Option<DiskCache>,
}

/// The kernels of a source, compiled for one kind of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledKernels {
    /// A CUBIN, or PTX that ends with a zero byte.
    pub bytes: Vec<u8>,
    /// Whether it was found on disk instead of being compiled.
    pub cached: bool,
}

impl KernelCompiler {
    /// A compiler for devices of that compute capability. Compiled kernels are cached in `folder`,
    /// if there is one.
    ///
    /// # Errors
    /// If NVRTC is not installed, or knows no architecture that such devices can run.
    pub fn new(capability: (u32, u32), folder: Option<PathBuf>) -> Result<Self, CudaError> {
        if !has_compiler() {
            return Err(CudaError::NoCompiler);
        }
        guard(|| {
            let supported = supported()?;
            let target = Target::of(capability, &supported).ok_or_else(|| {
                let (major, minor) = capability;
                CudaError::BrokenCompiler(format!("it supports no target for sm_{major}{minor}"))
            })?;
            let cache = folder.map(DiskCache::new);
            Ok(Self { target, version: version()?, cache })
        })
    }

    /// Compiles a complete source; `name` is used in messages.
    ///
    /// # Errors
    /// If the source does not compile.
    pub fn compile(&self, name: &str, text: &str) -> Result<CompiledKernels, CudaError> {
        let made_of = self.made_of(text);
        if let Some(bytes) = self.cache.as_ref().and_then(|cache| cache.read(&made_of)) {
            return Ok(CompiledKernels { bytes, cached: true });
        }
        let bytes = guard(|| compile(name, text, self.target))?;
        if let Some(cache) = &self.cache {
            // Without it the next start compiles again: slower, not wrong.
            _ = cache.write(&made_of, &bytes);
        }
        Ok(CompiledKernels { bytes, cached: false })
    }

    /// Everything that a compiled source depends on, as the key of the cache.
    fn made_of(&self, text: &str) -> String {
        let (major, minor) = self.version;
        format!("nvrtc {major}.{minor} {} {}\n{text}", self.target.option(), OPTIONS.join(" "))
    }
}

fn broken(error: NvrtcError) -> CudaError {
    CudaError::BrokenCompiler(error.to_string())
}

#[allow(unsafe_code, reason = "cudarc has no safe call for it")]
fn version() -> Result<(i32, i32), CudaError> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both numbers live as long as the call.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result().map_err(broken)?;
    Ok((major, minor))
}

#[allow(unsafe_code, reason = "cudarc has no safe call for it")]
fn supported() -> Result<Vec<u32>, CudaError> {
    let mut count = 0;
    // SAFETY: the number lives as long as the call.
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }.result().map_err(broken)?;
    let mut numbers = vec![0_i32; usize::try_from(count).unwrap_or(0)];
    // SAFETY: there is room for as many numbers as NVRTC said.
    unsafe { sys::nvrtcGetSupportedArchs(numbers.as_mut_ptr()) }.result().map_err(broken)?;
    Ok(numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect())
}

/// A program of NVRTC, destroyed on drop.
struct Program {
    handle: sys::nvrtcProgram,
    /// The program may refer to both strings.
    _source: (CString, CString),
}

impl Drop for Program {
    #[allow(unsafe_code, reason = "cudarc has no safe call for it")]
    fn drop(&mut self) {
        // It cannot fail with a valid handle, and nothing could be done.
        // SAFETY: the handle comes from `create_program` and is not used afterwards.
        _ = unsafe { result::destroy_program(self.handle) };
    }
}

#[allow(unsafe_code, reason = "cudarc's safe call makes only PTX")]
fn compile(name: &str, text: &str, target: Target) -> Result<Vec<u8>, CudaError> {
    let no_zero = |text: &str| {
        CString::new(text).map_err(|error| CudaError::Compile {
            source_name: name.to_owned(),
            log: error.to_string(),
        })
    };
    let source = (no_zero(text)?, no_zero(name)?);
    let handle = result::create_program(&source.0, Some(&source.1)).map_err(broken)?;
    let program = Program { handle, _source: source };
    let target_option = target.option();
    let options = [target_option.as_str(), OPTIONS[0], OPTIONS[1]];
    // SAFETY: the program is one, and lives.
    let compiled = unsafe { result::compile_program(program.handle, &options) };
    if let Err(error) = compiled {
        // SAFETY: the program is one, and lives.
        let log = unsafe { result::get_program_log(program.handle) }.unwrap_or_default();
        let log: Vec<u8> = bytes(log).take_while(|byte| *byte != 0).collect();
        let log = format!("{error}: {}", String::from_utf8_lossy(&log).trim());
        return Err(CudaError::Compile { source_name: name.to_owned(), log });
    }
    if let Target::Ptx(_) = target {
        // SAFETY: the program is one, and compiled.
        let ptx = unsafe { result::get_ptx(program.handle) }.map_err(broken)?;
        return Ok(bytes(ptx).collect());
    }
    let mut size = 0;
    // SAFETY: the program is one, and compiled; the number lives as long as the call.
    let known = unsafe { sys::nvrtcGetCUBINSize(program.handle, &raw mut size) };
    known.result().map_err(broken)?;
    let mut bytes = vec![0_u8; size];
    // SAFETY: the program is one, and compiled; there is room for as many bytes as it said.
    let copied = unsafe { sys::nvrtcGetCUBIN(program.handle, bytes.as_mut_ptr().cast()) };
    copied.result().map_err(broken)?;
    Ok(bytes)
}

/// The bytes of a C string, whose characters are signed on some processors and unsigned on others.
fn bytes(text: Vec<c_char>) -> impl Iterator<Item = u8> {
    text.into_iter().flat_map(c_char::to_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_where_the_compiler_knows_the_device() {
        let supported = [75, 80, 86, 90];
        assert_eq!(Target::of((9, 0), &supported), Some(Target::Machine(90)));
        assert_eq!(Target::of((8, 9), &supported), Some(Target::Ptx(86)));
        assert_eq!(Target::of((12, 1), &supported), Some(Target::Ptx(90)));
        assert_eq!(Target::of((7, 0), &supported), None);
        assert_eq!(Target::Machine(90).option(), "--gpu-architecture=sm_90");
        assert_eq!(Target::Ptx(90).option(), "--gpu-architecture=compute_90");
    }

    #[test]
    fn what_it_is_made_of_differs_with_source_target_and_compiler() {
        let compiler = |target, version| KernelCompiler { target, version, cache: None };
        let one = compiler(Target::Machine(90), (13, 0)).made_of("text");
        assert_ne!(one, compiler(Target::Ptx(90), (13, 0)).made_of("text"));
        assert_ne!(one, compiler(Target::Machine(89), (13, 0)).made_of("text"));
        assert_ne!(one, compiler(Target::Machine(90), (13, 1)).made_of("text"));
        assert_ne!(one, compiler(Target::Machine(90), (13, 0)).made_of("other"));
    }
}
