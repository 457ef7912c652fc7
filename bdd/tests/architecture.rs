//! Dependencies point one way:
//! `messages ← actors ← kit ← {services} ← ocelli ← bdd`, and `kernels ← gpu-filter`.
//!
//! Normal and build dependencies only: a test may use what it likes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Each crate of the workspace and the crates of the workspace that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ocelli-messages", &[]),
    ("ocelli-kernels", &[]),
    ("ocelli-nats-server", &[]),
    ("ocelli-actors", &["ocelli-messages"]),
    ("ocelli-kit", &["ocelli-messages", "ocelli-actors"]),
    // Services know nothing of each other: they share subjects, not code.
    ("ocelli-gpu-filter", &["ocelli-messages", "ocelli-actors", "ocelli-kernels", "ocelli-kit"]),
    ("ocelli-ingest", &["ocelli-messages", "ocelli-actors", "ocelli-kit"]),
    (
        "ocelli",
        &[
            "ocelli-messages",
            "ocelli-actors",
            "ocelli-kernels",
            "ocelli-kit",
            "ocelli-gpu-filter",
            "ocelli-ingest",
            "ocelli-nats-server",
        ],
    ),
    (
        "ocelli-bdd",
        &["ocelli", "ocelli-messages", "ocelli-actors", "ocelli-kernels", "ocelli-nats-server"],
    ),
    ("ocelli-testkit", &["ocelli-messages", "ocelli-nats-server"]),
];

/// What a crate must not pull in, however indirectly.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("ocelli-messages", &["tokio", "async-nats", "actix", "actix-rt"]),
    ("ocelli-kernels", &["tokio", "async-nats", "actix", "actix-rt"]),
    ("ocelli-actors", &["cudarc", "actix-web"]),
];

/// The dependency graph of this machine's platform: other platforms' packages may not be
/// downloaded.
fn metadata() -> Metadata {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc prints text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(["--locked", "--filter-platform", host].map(String::from))
        .exec()
        .expect("cargo metadata answers")
}

/// Direct normal and build dependencies of every package.
fn edges(metadata: &Metadata) -> BTreeMap<&PackageId, BTreeSet<&PackageId>> {
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves dependencies");
    resolve
        .nodes
        .iter()
        .map(|node| {
            let used = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            });
            (&node.id, used.map(|dependency| &dependency.pkg).collect())
        })
        .collect()
}

fn everything_below<'a>(
    start: &'a PackageId,
    edges: &BTreeMap<&'a PackageId, BTreeSet<&'a PackageId>>,
) -> BTreeSet<&'a PackageId> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(package) = open.pop() {
        for &dependency in &edges[package] {
            if found.insert(dependency) {
                open.push(dependency);
            }
        }
    }
    found
}

#[test]
fn workspace_crates_depend_in_one_direction() {
    let metadata = metadata();
    let edges = edges(&metadata);
    let members = metadata.workspace_packages();
    let names: BTreeMap<_, _> = members.iter().map(|p| (&p.id, p.name.as_str())).collect();
    let rules: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    assert_eq!(
        names.values().copied().collect::<BTreeSet<_>>(),
        rules.keys().copied().collect::<BTreeSet<_>>(),
        "every crate of the workspace, and no other, has a row in ALLOWED"
    );

    let mut wrong = Vec::new();
    for (id, name) in &names {
        for used in edges[id].iter().filter_map(|used| names.get(*used)) {
            if !rules[name].contains(used) {
                wrong.push(format!(
                    "{name} must not depend on {used}: it may use {:?}",
                    rules[name]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn foundations_stay_free_of_runtimes_and_devices() {
    let metadata = metadata();
    let edges = edges(&metadata);
    let members = metadata.workspace_packages();

    let mut wrong = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let package = members.iter().find(|package| package.name.as_str() == *name);
        let package = package.unwrap_or_else(|| panic!("no crate {name} in the workspace"));
        for below in everything_below(&package.id, &edges) {
            let below = metadata[below].name.as_str();
            if forbidden.contains(&below) {
                wrong.push(format!("{name} must not pull in {below}, directly or indirectly"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
