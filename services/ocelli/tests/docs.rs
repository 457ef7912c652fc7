//! The documentation agrees with the program and with itself.
//!
//! Links, headings and names of source files are checked by `.ci/check_tree.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;

use ocelli_actors::{
    broker::DropReason,
    metrics::{self, Kind},
};
use ocelli_kernels::Catalog;
use ocelli_messages::{ErrorKind, LogLevel, header, subjects};

use common::{ocelli, root, text};

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
    let own = ocelli::SERVICES.iter().map(|service| service.metrics);
    let common = [metrics::Metric::ROWS, ocelli_kit::metrics::Metric::ROWS];
    let rows = common.into_iter().chain(own).collect::<Vec<_>>().concat();
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
        let status = kind.http_status().to_string();
        let cells = [status.as_str(), retry, level].map(str::to_owned);
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
        let cells = rows.get(&template).unwrap_or_else(|| panic!("no row for {template}"));
        for message in row.payload().split(" → ") {
            assert!(cells.concat().contains(&format!("`{message}`")), "{template}: {message}");
        }
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
    const PAGE: &str = "docs/reference/cli.md";
    let mut page = text(PAGE);
    let help = stdout(&["--help"], &[]).await;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| !line.is_empty())
        // A description continues on lines that are indented further.
        .filter(|line| !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"up") && commands.contains(&"process"), "{help}");
    let mut stale = Vec::new();
    for command in commands {
        // Lines of help may end in blanks; those of a page do not.
        let help = stdout(&[command, "--help"], &[]).await;
        let help: String = help.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        let start = format!("## ocelli {command}\n\n```text\n");
        let at = page.find(&start).unwrap_or_else(|| panic!("{PAGE} has no {start}")) + start.len();
        let end = at + page[at..].find("```\n").unwrap();
        if page[at..end] != help {
            page.replace_range(at..end, &help);
            stale.push(command);
        }
    }
    if std::env::var_os("OCELLI_UPDATE_DOCS").is_some() {
        std::fs::write(root().join(PAGE), page).unwrap();
    } else {
        assert!(stale.is_empty(), "{PAGE} is stale for {stale:?}: run `make docs`");
    }
}

/// The paths of the Markdown files in `docs/`, relative to it, e.g. `adr/README.md`.
fn pages() -> Vec<String> {
    let docs = root().join("docs");
    let (mut folders, mut pages) = (vec![docs.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.strip_prefix(&docs).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

/// The first heading of a page in `docs/`; of a decision without its number.
fn title(page: &str) -> String {
    let page = text(&format!("docs/{page}"));
    let heading = page.lines().find_map(|line| line.strip_prefix("# ")).unwrap();
    heading.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(". ").to_owned()
}

#[test]
fn the_summary_lists_every_page_by_its_title() {
    let summary = text("docs/SUMMARY.md");
    let entries: Vec<_> = summary.lines().filter(|line| line.contains("](")).collect();
    let pages: Vec<_> = pages().into_iter().filter(|page| page != "SUMMARY.md").collect();
    for page in &pages {
        let entry = format!("[{}]({page})", title(page));
        let found = entries.iter().filter(|line| line.trim_start_matches([' ', '-']) == entry);
        assert_eq!(found.count(), 1, "docs/SUMMARY.md must have one line with {entry}");
    }
    assert_eq!(entries.len(), pages.len(), "docs/SUMMARY.md lists a page that is not there");
}

#[test]
fn the_index_of_decisions_has_the_title_and_status_of_each() {
    let index = text("docs/adr/README.md");
    let decisions = pages().into_iter().filter_map(|page| {
        let name = page.strip_prefix("adr/")?.to_owned();
        let number: u32 = name.split_once('-')?.0.parse().ok()?;
        Some((number, name))
    });
    let decisions: Vec<_> = decisions.collect();
    for (number, name) in &decisions {
        let page = text(&format!("docs/adr/{name}"));
        assert!(
            page.starts_with(&format!("# {number}. ")),
            "docs/adr/{name} must start with its number"
        );
        let status = page.lines().nth(2).unwrap().trim_matches('*').trim_end_matches('.');
        let status = format!("{}{}", status[..1].to_lowercase(), &status[1..]);
        let title = title(&format!("adr/{name}"));
        let row = format!("| {number} | [{title}]({name}) | {status} |");
        assert!(index.contains(&row), "docs/adr/README.md must say this:\n{row}");
    }
    let rows = index.lines().filter(|line| line.contains(".md) |")).count();
    assert_eq!(rows, decisions.len(), "docs/adr/README.md lists a decision that is not there");
}

/// A text with its line breaks as spaces, so that a sentence is found wherever it is wrapped.
fn unwrapped(page: &str) -> String {
    text(page).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_readme_counts_the_filters() {
    let catalog = Catalog::standard();
    let ids: Vec<_> = catalog.definitions().map(|definition| definition.id).collect();
    let (first, last) = (ids.first().unwrap(), ids.last().unwrap());
    let sentence = format!(
        "There are [{} filters](docs/reference/filters.md), from `{first}` to `{last}`,",
        ids.len()
    );
    assert!(unwrapped("README.md").contains(&sentence), "README.md must say: {sentence}");
}

#[test]
fn the_page_of_the_wire_has_every_tolerance() {
    let catalog = Catalog::standard();
    let tolerant = catalog.definitions().filter(|definition| definition.tolerance > 0);
    let tolerant: Vec<_> = tolerant
        .map(|definition| {
            let unit = if definition.tolerance == 1 { "level" } else { "levels" };
            format!("`{}` ({} {unit})", definition.id, definition.tolerance)
        })
        .collect();
    let clause = format!("which is 0 levels for all filters but {}.", tolerant.join(", "));
    assert!(unwrapped("docs/reference/wire.md").contains(&clause), "it must say: {clause}");
}

#[test]
fn the_state_of_the_cuda_path_is_told_on_one_page() {
    let others = ["README.md", "CONTRIBUTING.md", "services/gpu-filter/README.md"];
    let pages = pages().into_iter().map(|page| format!("docs/{page}"));
    for page in pages.chain(others.map(str::to_owned)) {
        let tells = unwrapped(&page).to_lowercase().contains("not yet run on a gpu");
        assert_eq!(tells, page == "docs/explanation/gpu.md", "{page}");
    }
    for page in ["README.md", "docs/README.md", "docs/benchmarks/gpu.md"] {
        assert!(text(page).contains("explanation/gpu.md"), "{page} must link to the state");
    }
}

#[test]
fn every_page_asks_for_the_same_python() {
    let tools = text(".ci/tools.py");
    let least = tools.lines().find_map(|line| line.strip_prefix("LEAST_PYTHON = ")).unwrap();
    let least = least.split_once("\"ci\": (").unwrap().1.split_once(')').unwrap().0;
    let sentence = format!("Python {} or newer", least.replace(", ", "."));
    for page in ["README.md", "CONTRIBUTING.md", "docs/tutorial/first-frame.md"] {
        assert!(unwrapped(page).contains(&sentence), "{page} must ask for {sentence}");
    }
}
