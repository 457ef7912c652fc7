//! Which rows run.

use crate::cases::Bench;

pub(crate) struct Selection {
    words: Vec<String>,
    threads: Option<String>,
    size: Option<String>,
    /// The vector instructions that both sides may use at most; all of this CPU without.
    pub(crate) level: Option<String>,
}

impl Selection {
    /// From the command line. Cargo adds `--bench`.
    pub(crate) fn from_arguments() -> Self {
        let mut selection = Self { words: Vec::new(), threads: None, size: None, level: None };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--threads" => selection.threads = arguments.next(),
                "--size" => selection.size = arguments.next(),
                "--level" => selection.level = arguments.next(),
                _ => selection.words.push(argument),
            }
        }
        selection
    }

    pub(crate) fn takes(&self, bench: &Bench, size: (u32, u32), threads: usize) -> bool {
        let name = bench.name(size, threads);
        let one = self.threads.as_deref().is_none_or(|wanted| (wanted == "1") == (threads == 1));
        let size = format!("{}x{}", size.0, size.1);
        one && self.size.as_ref().is_none_or(|wanted| *wanted == size) && self.takes_name(&name)
    }

    /// Whether one of the words is in it.
    pub(crate) fn takes_name(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word))
    }

    pub(crate) fn is_everything(&self) -> bool {
        let all = self.threads.is_none() && self.size.is_none() && self.level.is_none();
        all && self.words.is_empty()
    }
}
