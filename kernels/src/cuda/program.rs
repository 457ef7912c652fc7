//! Loads kernels on the device when they are first needed.

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, sys::CUfunction_attribute};
use cudarc::nvrtc::Ptx;

use super::bounded::Bounded;
use super::compile::KernelCompiler;
use super::{CudaError, PlannedLaunch};

/// The number of sources that stay loaded; if chains have more shapes, the least used are unloaded.
const MOST_MODULES: usize = 256;
/// A kernel that needs more dynamic shared memory than this has to be configured for it.
const USUAL_SHARED_BYTES: u32 = 48 << 10;

/// The sources that are loaded.
#[derive(Debug)]
pub(super) struct Programs {
    context: Arc<CudaContext>,
    compiler: KernelCompiler,
    /// Modules by the name of their source.
    modules: Bounded<String, Module>,
}

#[derive(Debug)]
struct Module {
    module: Arc<CudaModule>,
    /// Kernels by name, each with the dynamic shared memory that it is configured for.
    kernels: HashMap<String, (CudaFunction, u32)>,
}

impl Programs {
    pub(super) fn new(context: Arc<CudaContext>, compiler: KernelCompiler) -> Self {
        Self { context, compiler, modules: Bounded::new(MOST_MODULES) }
    }

    /// The kernel of a launch, loaded and configured.
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
