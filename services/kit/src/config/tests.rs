//! Tests of every layer, and of the mistakes in it.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::*;

/// The sections of an example process after loading.
#[derive(Debug, Default, PartialEq)]
struct Example {
    broker: BrokerConfig,
    admin: AdminConfig,
    telemetry: TelemetryConfig,
    pool: Pool,
}

const SECTIONS: &[SectionEntry] = &[
    SectionEntry::of::<BrokerConfig>("broker"),
    SectionEntry::of::<AdminConfig>("admin"),
    SectionEntry::of::<TelemetryConfig>("telemetry"),
    SectionEntry::of::<Pool>("pool"),
];

fn load(sources: &Sources) -> Result<Example, Vec<Problem>> {
    let settings = super::load(SECTIONS, sources)?;
    Ok(Example {
        broker: settings.section("broker").unwrap(),
        admin: settings.section("admin").unwrap(),
        telemetry: settings.section("telemetry").unwrap(),
        pool: settings.section("pool").unwrap(),
    })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Pool {
    low: u8,
    high: u8,
    names: Vec<String>,
    sizes: Vec<u32>,
    enabled: bool,
    limit: Option<u64>,
    labels: BTreeMap<String, String>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            low: 1,
            high: 10,
            names: Vec::new(),
            sizes: Vec::new(),
            enabled: true,
            limit: None,
            labels: BTreeMap::new(),
        }
    }
}

impl Section for Pool {
    fn problems(&self) -> Vec<Problem> {
        if self.low > self.high {
            vec![Problem::new("low", "must not be over pool.high")]
        } else {
            Vec::new()
        }
    }
}

fn file(text: &str) -> (tempfile::NamedTempFile, Option<PathBuf>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_owned();
    (file, Some(path))
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn from_env(pairs: &[(&str, &str)]) -> Result<Example, Vec<Problem>> {
    load(&Sources { env: env(pairs), ..Sources::default() })
}

#[test]
fn without_sources_there_are_the_defaults() {
    assert_eq!(load(&Sources::default()), Ok(Example::default()));
}

#[test]
fn later_layers_win() {
    let (_file, path) =
        file("[broker]\nurl = \"nats://file:1\"\ntenant = \"file\"\n[pool]\nlow = 2");
    let settings: Example = load(&Sources {
        file: path,
        env: env(&[("OCELLI_BROKER__TENANT", "env"), ("OCELLI_POOL__LOW", "3"), ("HOME", "/")]),
        flags: vec![("pool.low".to_owned(), toml::Value::Integer(4))],
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(settings.broker.url, "nats://file:1");
    assert_eq!(settings.broker.tenant, "env");
    assert_eq!(settings.pool.low, 4);
    assert_eq!(settings.admin, AdminConfig::default());
}

#[test]
fn the_environment_is_read_by_the_type_of_the_field() {
    let settings = from_env(&[
        ("OCELLI_POOL__NAMES", "a, b,"),
        ("OCELLI_POOL__SIZES", "1,2"),
        ("OCELLI_POOL__ENABLED", "false"),
        ("OCELLI_POOL__LIMIT", "7"),
        ("OCELLI_TELEMETRY__SAMPLE_RATIO", "1"),
        ("OCELLI_TELEMETRY__OTLP_ENDPOINT", "http://collector:4318"),
        ("OCELLI_TELEMETRY__LOG_FORMAT", "json"),
        ("OCELLI_TELEMETRY__ENVIRONMENT", "1"),
        ("OCELLI_ADMIN__ADDR", "[::1]:0"),
    ])
    .unwrap();
    assert_eq!(settings.pool.names, ["a", "b"]);
    assert_eq!(settings.pool.sizes, [1, 2]);
    assert!(!settings.pool.enabled);
    assert_eq!(settings.pool.limit, Some(7));
    assert_eq!(settings.telemetry.sample_ratio.to_bits(), 1.0_f64.to_bits());
    assert_eq!(settings.telemetry.otlp_endpoint.as_deref(), Some("http://collector:4318"));
    assert_eq!(settings.telemetry.log_format, LogFormat::Json);
    assert_eq!(settings.telemetry.environment, "1", "text stays text");
    assert_eq!(settings.admin.addr.port(), 0);
}

#[test]
fn an_empty_variable_takes_an_optional_field_back() {
    let (_file, path) = file("pool = { limit = 5, labels = { any = \"thing\" } }");
    let sources = |env| Sources { file: path.clone(), env, ..Sources::default() };
    let settings: Example = load(&sources(env(&[]))).unwrap();
    assert_eq!(settings.pool.limit, Some(5));
    assert_eq!(settings.pool.labels["any"], "thing");
    let settings: Example = load(&sources(env(&[("OCELLI_POOL__LIMIT", "")]))).unwrap();
    assert_eq!(settings.pool.limit, None);
}

#[test]
fn every_mistake_of_every_layer_is_listed_with_its_source() {
    let (_file, path) = file(concat!(
        "brokr = { url = \"x\" }\nadmin = 5\n",
        "[broker]\nurl = 7\nuri = \"nats://x\"\nrequest_timeout_ms = -1\n",
        "[telemetry]\nlog_format = \"xml\"\n[pool]\nlow = 9\nhigh = 3\n",
    ));
    let name = path.as_ref().unwrap().display().to_string();
    let problems = load(&Sources {
        file: path,
        env: env(&[
            ("OCELLI_POOL__SIZES", "1,two"),
            ("OCELLI_POOL__ENABLED", "yes"),
            ("OCELLI_POOL__LIMIT", "many"),
            ("OCELLI_ADMIN__ADRR", "127.0.0.1:1"),
            ("OCELLI_TELEMETRY__SAMPLE_RATIO", "7"),
            ("OCELLI_NATS_SERVER", "/usr/bin/nats-server"),
        ]),
        env_allowed: vec!["OCELLI_NATS_SERVER"],
        flags: vec![("admin.addr".to_owned(), toml::Value::from("here"))],
    })
    .unwrap_err();
    let found: Vec<(&str, &str)> =
        problems.iter().map(|p| (p.field.as_str(), p.source.as_str())).collect();
    assert_eq!(
        found,
        [
            ("admin", &*name),
            ("broker.uri", &name),
            ("brokr", &name),
            ("pool.enabled", "environment OCELLI_POOL__ENABLED"),
            ("admin.adrr", "environment OCELLI_ADMIN__ADRR"),
            ("broker.request_timeout_ms", &name),
            ("broker.url", &name),
            ("telemetry.log_format", &name),
            ("pool.sizes", "environment OCELLI_POOL__SIZES"),
            ("pool.limit", "environment OCELLI_POOL__LIMIT"),
            ("admin.addr", "command line"),
            ("telemetry.sample_ratio", "environment OCELLI_TELEMETRY__SAMPLE_RATIO"),
            ("pool.low", &name),
        ],
        "{problems:#?}",
    );
    let problem = |field: &str| problems.iter().find(|p| p.field == field).unwrap();
    assert_eq!(problem("brokr").allowed, ["admin", "broker", "pool", "telemetry"]);
    assert!(problem("brokr").message.contains("did you mean `broker`?"));
    assert!(problem("admin.adrr").message.contains("did you mean `OCELLI_ADMIN__ADDR`?"));
    assert_eq!(problem("telemetry.log_format").allowed, ["auto", "pretty", "json"]);
    assert!(problem("pool.sizes").message.contains("\"two\", expected a whole number"));
    assert_eq!(
        problem("telemetry.log_format").to_string(),
        format!("telemetry.log_format: unknown value `xml`; allowed: auto, pretty, json ({name})"),
    );
}

#[test]
fn a_value_that_a_later_layer_replaces_is_checked_all_the_same() {
    let (_file, path) = file("[pool]\nlow = \"one\"");
    let problems =
        load(&Sources { file: path, env: env(&[("OCELLI_POOL__LOW", "1")]), ..Sources::default() })
            .unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].field, "pool.low");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_a_problem() {
    let missing = Sources { file: Some("/does/not/exist.toml".into()), ..Sources::default() };
    let problems = load(&missing).unwrap_err();
    assert_eq!(problems[0].source, "/does/not/exist.toml");
    let (_file, path) = file("[broker]\nurl = \"x\"\npassword hunter2");
    let problems = load(&Sources { file: path, ..Sources::default() }).unwrap_err();
    assert!(problems[0].message.starts_with("line 3 is not TOML"), "{problems:?}");
    assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
}

#[test]
fn a_flag_for_no_field_is_a_problem() {
    let flags = vec![("pool.middle".to_owned(), toml::Value::Integer(4))];
    let problems = load(&Sources { flags, ..Sources::default() }).unwrap_err();
    assert_eq!(problems[0].field, "pool.middle");
}

#[test]
fn a_table_is_not_set_by_one_variable() {
    for name in ["OCELLI_POOL", "OCELLI_POOL__LABELS", "OCELLI_"] {
        assert_eq!(from_env(&[(name, "x")]).unwrap_err().len(), 1, "{name}");
    }
}

#[test]
fn what_is_shown_can_be_loaded_and_shows_no_secret() {
    let environment = env(&[
        ("OCELLI_BROKER__URL", "nats://me:hunter2@host:4222"),
        ("OCELLI_TELEMETRY__SENTRY_DSN", "https://hunter2@sentry.example.org/1"),
    ]);
    let sources = Sources { env: environment, ..Sources::default() };
    let settings = super::load(SECTIONS, &sources).unwrap();
    let shown = show(&settings);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("sentry_dsn = \"***\""), "{shown}");
    assert!(shown.contains("nats://***@host:4222"), "{shown}");
    assert!(!format!("{settings:?}").contains("hunter2"));
    // The part that needs a secret still gets it.
    let telemetry: TelemetryConfig = settings.section("telemetry").unwrap();
    assert!(telemetry.sentry_dsn.unwrap().expose().contains("hunter2"));

    let defaults = super::load(SECTIONS, &Sources::default()).unwrap();
    let (_file, path) = file(&show(&defaults));
    let again: Example = load(&Sources { file: path, ..Sources::default() }).unwrap();
    assert_eq!(again, Example::default());
}
