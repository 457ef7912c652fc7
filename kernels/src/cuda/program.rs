//! Kernels, loaded on the device when they are first needed.

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, sys::CUfunction_attribute};
use cudarc::nvrtc::Ptx;

use super::bounded::Bounded;
use super::compile::KernelCompiler;
use super::{CudaError, PlannedLaunch};

/// How many sources stay loaded; chains of more shapes than that take turns.
const MOST_MODULES: usize = 256;
/// Dynamic shared memory of a block for which a kernel need not be told.
const USUAL_SHARED_BYTES: u32 = 48 << 10;

/// What is loaded so far.
#[derive(Debug)]
pub(super) struct Programs {
    context: Arc<CudaContext>,
    compiler: KernelCompiler,
    /// By name of the source.
    modules: Bounded<String, Module>,
}

#[derive(Debug)]
struct Module {
    module: Arc<CudaModule>,
    /// By name; with the dynamic shared memory that it was told of.
    kernels: HashMap<String, (CudaFunction, u32)>,
}

impl Programs {
    pub(super) fn new(context: Arc<CudaContext>, compiler: KernelCompiler) -> Self {
        Self { context, compiler, modules: Bounded::new(MOST_MODULES) }
    }

    /// The kernel of a launch, ready.
    pub(super) fn kernel(&mut self, launch: &PlannedLaunch) -> Result<CudaFunction, CudaError> {
        let name = launch.source.name();
        if self.modules.get(name).is_none() {
            let compiled = self.compiler.compile(name, &launch.source.text())?;
            let module = self.context.load_module(Ptx::from_binary(compiled.bytes))?;
            let module = Module { module, kernels: HashMap::new() };
            self.modules.insert(name.to_owned(), module, 1);
        }
        match self.modules.get(name) {
            Some(module) => module.kernel(&launch.kernel, launch.shared_bytes),
            None => Err(CudaError::Bug(format!("{name} is not loaded"))),
        }
    }
}

impl Module {
    fn kernel(&mut self, name: &str, shared_bytes: u32) -> Result<CudaFunction, CudaError> {
        let (function, told) = match self.kernels.get(name) {
            Some((function, told)) => (function.clone(), *told),
            None => (self.module.load_function(name)?, USUAL_SHARED_BYTES),
        };
        let most = shared_bytes.max(told);
        if most > told {
            let bytes = i32::try_from(most).unwrap_or(i32::MAX);
            let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            function.set_attribute(attribute, bytes)?;
        }
        self.kernels.insert(name.to_owned(), (function.clone(), most));
        Ok(function)
    }
}
