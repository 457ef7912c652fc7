//! The source text of a kernel that does several pointwise steps, pixel by pixel.

use std::fmt::Write as _;

use super::wide::{self, THREADS};

/// One function of a kernel, with everything about it that the kernel's text depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) constants: usize,
    pub(super) table: usize,
    /// The number of channels of the result.
    pub(super) channels: usize,
}

/// A generated source, with one kernel of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    name: String,
    input: usize,
    functions: Vec<Function>,
}

impl Generated {
    pub(super) fn new(input: usize, functions: Vec<Function>) -> Self {
        let mut name = format!("chain_{input}");
        for Function { name: function, constants, table, channels } in &functions {
            // Writing to a string cannot fail.
            _ = write!(name, "__{function}_{constants}_{table}_{channels}");
        }
        Self { name, input, functions }
    }

    /// The name of the source and of its kernel. It states everything that the text depends on.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the kernel; it needs `common.cuh`, `wide.cuh` and `pointwise.cu` in front of it.
    #[must_use]
    pub fn kernel_text(&self) -> String {
        let output = self.output();
        let (constants, tables) = (self.constants() > 0, self.tables() > 0);
        let mut steps = String::new();
        let (mut constant, mut table) = (0, 0);
        for function in &self.functions {
            let k = if constants { format!("k.at + {constant}") } else { "nullptr".to_owned() };
            let t = if tables { format!("tables + {table}") } else { "nullptr".to_owned() };
            _ = writeln!(steps, "    p = {}(p, {k}, {t});", function.name);
            if function.channels == 1 {
                steps.push_str("    p.g = p.r, p.b = p.r;\n");
            }
            constant += function.constants;
            table += function.table;
        }
        let k = format!(",\n    const __grid_constant__ Constants<{}> k", self.constants());
        let t = ",\n    const unsigned char *__restrict__ tables";
        format!(
            "\nextern \"C\" __launch_bounds__({THREADS}) __global__ void {}(\n    \
             const unsigned char *__restrict__ input, unsigned char *__restrict__ output,\n    \
             int pixels{}{}) {{\n  \
             wide::run<{}, {output}, {}>(input, output, pixels, [&](Pixel p, int) {{\n\
             {steps}    return p;\n  }});\n}}\n",
            self.name,
            if constants { &k } else { "" },
            if tables { t } else { "" },
            self.input,
            self.each(),
        )
    }

    fn output(&self) -> usize {
        self.functions.last().map_or(self.input, |last| last.channels)
    }

    fn constants(&self) -> usize {
        self.functions.iter().map(|function| function.constants).sum()
    }

    fn tables(&self) -> usize {
        self.functions.iter().map(|function| function.table).sum()
    }

    /// Pixels for each thread, given by the side with fewer channels.
    pub(super) fn each(&self) -> usize {
        wide::each(self.input.min(self.output()))
    }

    /// Shared memory in which neighbouring threads exchange what they read or write, in bytes.
    pub(super) fn shared_bytes(&self) -> u32 {
        if self.input == 3 || self.output() == 3 { wide::EXCHANGE } else { 0 }
    }
}
