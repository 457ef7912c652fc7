//! The script `opencv/serve.py`, waiting for requests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ocelli_kernels::Image;

use crate::cases::Bench;

pub(crate) struct OpenCv {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) version: String,
}

impl OpenCv {
    /// With no more than those vector instructions, if any are named.
    pub(crate) fn start(level: Option<&str>) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("OCELLI_PYTHON")
            .map_or_else(|| here.join("../.tools/venv/bin/python"), PathBuf::from);
        let limits: &[(&str, &str)] = match level {
            None | Some("avx512") => &[],
            Some("avx2") => &[
                ("OPENCV_CPU_DISABLE", "AVX512-SKX,AVX512-CNL,AVX512-CLX,AVX512-ICL"),
                ("OPENCV_IPP", "avx2"),
                (
                    "NPY_DISABLE_CPU_FEATURES",
                    "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
                ),
            ],
            Some(other) => panic!("--level is avx512 or avx2, not {other}"),
        };
        let mut child = Command::new(&python)
            .envs(limits.iter().copied())
            .arg(here.join("opencv/serve.py"))
            // NumPy's own threads, which OpenCV does not use, would keep a core busy.
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a Python with OpenCV: run `make tools`");
        let requests = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut version = String::new();
        answers.read_line(&mut version).expect("OpenCV loads: `make tools`");
        Self { child, requests, answers, version: version.trim().to_owned() }
    }

    /// Microseconds of the fastest of that many calls.
    pub(crate) fn time(
        &mut self,
        bench: &Bench,
        image: &Image,
        threads: usize,
        calls: usize,
    ) -> f64 {
        let parameters: Vec<String> =
            bench.parameters().iter().map(|(key, value)| format!("{key}={value}")).collect();
        let line = format!(
            "time\t{threads}\t{calls}\t{}\t{}\t{}\t{}\t{:?}\t{}\t{}\n",
            bench.family.name(),
            bench.filter,
            image.size().width(),
            image.size().height(),
            bench.format,
            image.data().len(),
            parameters.join("\t"),
        );
        self.requests.write_all(line.as_bytes()).expect("the script listens");
        self.requests.write_all(image.data()).expect("the script listens");
        self.requests.flush().expect("the script listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the script answers");
        let times = answer.split_whitespace().map(|word| word.parse::<f64>().unwrap() / 1000.0);
        let best = times.fold(f64::INFINITY, f64::min);
        assert!(best.is_finite(), "{bench:?}: the script died");
        best
    }
}

impl Drop for OpenCv {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
