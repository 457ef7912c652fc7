//! The reference pages say what the program has: no more, no less.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use ocelli_actors::{
    broker::DropReason,
    metrics::{self, Kind},
};
use ocelli_gpu_filter::GpuFilter;
use ocelli_ingest::Ingest;
use ocelli_kit::service::Service;
use ocelli_messages::{ErrorKind, LogLevel, header, subjects};

use common::{ocelli, text};

/// The rows of a page's tables whose first cell is one `code`: that, and the other cells.
fn rows(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in text(page).lines() {
        let Some(line) = line.strip_prefix("| `").and_then(|line| line.strip_suffix(" |")) else {
            continue;
        };
        let (key, rest) = line.split_once("` | ").unwrap_or_else(|| panic!("{page}: {line}"));
        // `a \| b` is one cell.
        let rest = rest.replace("\\|", "\u{1}");
        let cells = rest.split(" | ").map(|cell| cell.replace('\u{1}', "|")).collect();
        assert!(rows.insert(key.to_owned(), cells).is_none(), "{page}: two rows for {key}");
    }
    rows
}

/// Compares a page's rows with those that it must have: each key, and the first cells after it.
fn compare(page: &str, must: &BTreeMap<String, Vec<String>>) {
    let rows = rows(page);
    for (key, cells) in must {
        let row = rows.get(key).unwrap_or_else(|| panic!("{page} has no row for `{key}`"));
        assert!(row.starts_with(cells), "{page}: `{key}` must say {cells:?}, it says {row:?}");
    }
    let stale: Vec<_> = rows.keys().filter(|key| !must.contains_key(*key)).collect();
    assert!(stale.is_empty(), "{page} has rows for what is not there: {stale:?}");
}

async fn stdout(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = ocelli().args(arguments).envs(environment.iter().copied()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `broker.url` → `"nats://127.0.0.1:4222"`.
async fn settings(environment: &[(&str, &str)]) -> BTreeMap<String, String> {
    let shown: toml::Table = stdout(&["config", "show"], environment).await.parse().unwrap();
    let sections = shown.iter().flat_map(|(section, fields)| {
        let fields = fields.as_table().unwrap().iter();
        fields.map(move |(field, value)| (format!("{section}.{field}"), value.to_string()))
    });
    sections.collect()
}

#[tokio::test]
async fn every_setting_has_a_row_with_its_default() {
    let defaults = settings(&[]).await;
    // Settings without a default are shown once they are set.
    let optional = [
        ("OCELLI_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("OCELLI_TELEMETRY__SENTRY_DSN", "http://key@127.0.0.1:9/1"),
    ];
    let all = settings(&optional).await;
    assert_eq!(all.len(), defaults.len() + optional.len());
    let must = all.into_keys().map(|key| {
        let default = defaults.get(&key).map_or("none".to_owned(), |value| format!("`{value}`"));
        (key, vec![default])
    });
    compare("docs/reference/configuration.md", &must.collect());
}

#[test]
fn every_metric_has_a_row() {
    let rows = [metrics::Metric::ROWS, GpuFilter::METRICS, Ingest::METRICS].concat();
    assert_eq!(metrics::problems(&rows), Vec::<String>::new());
    let must = rows.iter().map(|metric| {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        (metric.name.to_owned(), vec![kind.to_owned(), labels, metric.help.to_owned()])
    });
    compare("docs/reference/metrics.md", &must.collect());
}

#[test]
fn every_error_kind_has_a_row() {
    let must = ErrorKind::ALL.map(|kind| {
        let retry = if kind.retryable() { "yes" } else { "no" };
        let level = match kind.level() {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        let sentry = if kind.sentry() { "yes" } else { "no" };
        let status = kind.http_status().to_string();
        let cells = [status.as_str(), retry, level, sentry].map(str::to_owned);
        (kind.as_str().to_owned(), cells.to_vec())
    });
    compare("docs/reference/errors.md", &must.clone().into());
    // The README has the short form, among other tables.
    let rows = rows("README.md");
    for (kind, cells) in must {
        let row = rows.get(&kind).unwrap_or_else(|| panic!("README.md has no row for `{kind}`"));
        assert!(row.starts_with(&cells[..1]), "README.md: `{kind}` is {}", cells[0]);
    }
}

#[test]
fn the_page_of_the_wire_has_every_subject_header_and_drop_reason() {
    let rows = rows("docs/reference/wire.md");
    for reason in DropReason::ALL {
        assert!(rows.contains_key(reason.as_str()), "{}", reason.as_str());
    }
    for row in subjects::ALL {
        let template = row.template().replace('{', "<").replace('}', ">");
        assert!(rows.contains_key(&template), "{template}");
        assert!(text("README.md").contains(&template), "{template}");
    }
    for name in [
        header::TRACEPARENT,
        header::TRACESTATE,
        header::BAGGAGE,
        header::REQUEST_ID,
        header::DEADLINE,
        header::ERROR_CODE,
        header::ERROR,
    ] {
        assert!(rows.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_page_of_the_command_line_has_the_help_of_every_command() {
    let page = text("docs/reference/cli.md");
    let help = stdout(&["--help"], &[]).await;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| !line.is_empty())
        // Further in, a description goes on.
        .filter(|line| !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"up") && commands.contains(&"process"), "{help}");
    for command in commands {
        // Lines of help may end in blanks; those of a page do not.
        let help = stdout(&[command, "--help"], &[]).await;
        let help: String = help.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        let block = format!("## ocelli {command}\n\n```text\n{help}```\n");
        assert!(page.contains(&block), "docs/reference/cli.md must say this:\n{block}");
    }
}
