//! Kernels, compiled for the device when they are first needed.

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule};
use cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};

use super::{CudaError, CudaSource};

/// What stands before every source.
const COMMON: &str = include_str!("../../cuda/common.cuh");

/// What was compiled so far.
#[derive(Debug)]
pub(super) struct Programs {
    context: Arc<CudaContext>,
    /// By file.
    modules: HashMap<&'static str, Arc<CudaModule>>,
    /// By file and name.
    kernels: HashMap<(&'static str, &'static str), CudaFunction>,
}

impl Programs {
    pub(super) fn new(context: Arc<CudaContext>) -> Self {
        Self { context, modules: HashMap::new(), kernels: HashMap::new() }
    }

    /// That kernel, ready to launch.
    pub(super) fn kernel(
        &mut self,
        source: &'static CudaSource,
        kernel: &'static str,
    ) -> Result<CudaFunction, CudaError> {
        if let Some(ready) = self.kernels.get(&(source.name, kernel)) {
            return Ok(ready.clone());
        }
        let module = match self.modules.get(source.name) {
            Some(module) => Arc::clone(module),
            None => {
                let module = self.compile(source)?;
                self.modules.insert(source.name, Arc::clone(&module));
                module
            }
        };
        let function = module.load_function(kernel)?;
        self.kernels.insert((source.name, kernel), function.clone());
        Ok(function)
    }

    fn compile(&self, source: &'static CudaSource) -> Result<Arc<CudaModule>, CudaError> {
        let (major, minor) = self.context.compute_capability()?;
        let options = CompileOptions {
            name: Some(source.name.to_owned()),
            options: vec![
                format!("--gpu-architecture=compute_{major}{minor}"),
                "--std=c++17".to_owned(),
                // The same floats as on the CPU.
                "--fmad=false".to_owned(),
            ],
            ..CompileOptions::default()
        };
        let ptx = compile_ptx_with_opts(format!("{COMMON}{}", source.text), options)
            .map_err(|error| CudaError::compile(source.name, &error))?;
        Ok(self.context.load_module(ptx)?)
    }
}
