//! Mutated settings: whatever a file or the environment says, it is loaded or every problem in it
//! is one that a person can read.
//!
//! `OCELLI_FUZZ_SECONDS` makes each go on for that long.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use ocelli_kit::config::{
    AdminConfig, BrokerConfig, LimitsConfig, Problem, SectionEntry, Settings, Sources,
    TelemetryConfig, load, show,
};
use ocelli_testkit::fuzz::Fuzz;

const SECTIONS: &[SectionEntry] = &[
    SectionEntry::of::<BrokerConfig>("broker"),
    SectionEntry::of::<AdminConfig>("admin"),
    SectionEntry::of::<TelemetryConfig>("telemetry"),
    SectionEntry::of::<LimitsConfig>("limits"),
];

/// The longest input; an error may repeat it, with every character escaped.
const LONGEST: usize = 1_000;
const MOST: usize = 8 * 1024;

/// Whether the settings were loaded; they are shown as TOML then, and every section can be had.
fn loaded(settings: Result<Settings, Vec<Problem>>) -> bool {
    match settings {
        Ok(settings) => {
            let shown: toml::Table = show(&settings).parse().unwrap();
            assert_eq!(shown.len(), SECTIONS.len());
            let limits: LimitsConfig = settings.section("limits").unwrap();
            assert!(limits.max_side_px > 0 && limits.max_pixels > 0, "{limits:?}");
            settings.section::<BrokerConfig>("broker").unwrap();
            settings.section::<AdminConfig>("admin").unwrap();
            settings.section::<TelemetryConfig>("telemetry").unwrap();
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.message.is_empty() && !problem.source.is_empty(), "{problem:?}");
                let text = problem.to_string();
                assert!(text.len() < MOST, "{} bytes: {text}", text.len());
            }
            false
        }
    }
}

#[test]
fn files() {
    let corpus = [
        "",
        "[broker]\nurl = \"nats://user:pass@127.0.0.1:4222\"\ntenant = \"acme\"\n",
        "[limits]\nmax_side_px = 4096\nmax_pixels = 16_777_216\nmax_steps = 4 # few\n",
        "admin.addr = \"127.0.0.1:0\"\ntelemetry = { log_format = \"json\", sample_ratio = 0.5 }\n",
        "[telemetry]\nenvironment = '''\nab\n'''\n[admin]\naddr = \"[::1]:9090\"\n",
    ];
    let words = [
        "\n",
        "=",
        "[",
        "]",
        "[[broker]]",
        "[broker]",
        "[limits]",
        "{",
        "}",
        "\"",
        "'''",
        "#",
        ".",
        "-1",
        "0",
        "nan",
        "9223372036854775807",
        "99999999999999999999",
        "true",
        "2026-12-01T00:00:00Z",
        "\0",
        "é",
        "\nbroker.url = \"\"\n",
        "\nmax_pixels = ",
        "\nsample_ratio = inf\n",
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ocelli.toml");
    let fuzz = Fuzz::new("settings in a file", corpus).words(&words).longest(LONGEST);
    let run = fuzz.executions(1_000).run(|text| {
        fs::write(&path, text).unwrap();
        loaded(load(SECTIONS, &Sources { file: Some(path.clone()), ..Sources::default() }))
    });
    run.unwrap();
}

/// A variable a line.
#[test]
fn the_environment() {
    let corpus = [
        "",
        "OCELLI_BROKER__URL=nats://127.0.0.1:4222\nHOME=/",
        "OCELLI_LIMITS__MAX_SIDE_PX=4096\nOCELLI_LIMITS__MAX_STEPS=4",
        "OCELLI_TELEMETRY__LOG_FORMAT=json\nOCELLI_TELEMETRY__SAMPLE_RATIO=0.5",
        "OCELLI_ADMIN__ADDR=[::1]:0",
    ];
    let words = [
        "\n",
        "=",
        "__",
        "OCELLI_",
        "\nOCELLI_BROKER__TENANT=",
        "\nOCELLI_LIMITS__MAX_PIXELS=",
        ",",
        "\"",
        "-1",
        "nan",
        "inf",
        "99999999999999999999",
        "true",
        "é",
        "[",
        "{",
    ];
    let fuzz = Fuzz::new("settings in the environment", corpus).words(&words).longest(LONGEST);
    let run = fuzz.executions(10_000).run(|text| {
        let text = String::from_utf8_lossy(text);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        loaded(load(SECTIONS, &Sources { env, ..Sources::default() }))
    });
    run.unwrap();
}
