//! Dependencies point one way, by layer:
//! `media ← messages ← actors ← kit ← {services} ← ocelli ← bdd`, and
//! `media ← kernels ← {services}`.
//!
//! A crate's folder decides its layer, so a new service needs no entry here. Only normal and build
//! dependencies count: a test may use what it likes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What a crate is for, by its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// What a picture is.
    Media,
    /// The wire.
    Messages,
    /// Image operations.
    Kernels,
    /// The broker as a child process.
    Server,
    /// How things run, fail and wait.
    Actors,
    /// What every service needs.
    Kit,
    /// One service.
    Service,
    /// The program that runs services.
    Program,
    /// Scenarios and what tests share.
    Tests,
}

impl Layer {
    fn of(folder: &str) -> Self {
        match folder {
            "kernels/media" => Self::Media,
            "messages" => Self::Messages,
            "kernels" => Self::Kernels,
            "actors/nats-server" => Self::Server,
            "actors" => Self::Actors,
            "services/kit" => Self::Kit,
            "services/ocelli" => Self::Program,
            service if service.starts_with("services/") => Self::Service,
            tests if tests.starts_with("bdd") => Self::Tests,
            other => panic!("{other} belongs to no layer"),
        }
    }

    /// The layers that it may use; never its own, so services know nothing of each other.
    const fn may_use(self) -> &'static [Self] {
        use Layer::{Actors, Kernels, Kit, Media, Messages, Program, Server, Service};
        match self {
            Self::Media | Self::Server => &[],
            Self::Messages | Self::Kernels => &[Media],
            Self::Actors => &[Messages, Media],
            Self::Kit => &[Actors, Messages, Media],
            Self::Service => &[Kit, Actors, Messages, Kernels, Media],
            Self::Program => &[Service, Kit, Actors, Messages, Kernels, Media, Server],
            Self::Tests => &[Program, Service, Kit, Actors, Messages, Kernels, Media, Server],
        }
    }
}

/// What a crate must not pull in, however indirectly.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "ocelli-media",
        &["tokio", "async-nats", "prost", "cudarc", "actix", "actix-rt", "ocelli-messages"],
    ),
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

/// The crate's folder, seen from the root of the project.
fn folder(metadata: &Metadata, package: &Package) -> String {
    let folder = Path::new(package.manifest_path.parent().expect("a folder").as_str());
    let folder = folder.strip_prefix(metadata.workspace_root.as_str()).expect("a member");
    folder.to_str().expect("text").to_owned()
}

#[test]
fn workspace_crates_depend_in_one_direction() {
    let metadata = metadata();
    let edges = edges(&metadata);
    let members: BTreeMap<_, _> = (metadata.workspace_packages().into_iter())
        .map(|package| {
            let layer = Layer::of(&folder(&metadata, package));
            (&package.id, (package.name.as_str(), layer))
        })
        .collect();
    assert!(members.values().filter(|(_, layer)| *layer == Layer::Service).count() >= 2);

    let mut wrong = Vec::new();
    for (id, (name, layer)) in &members {
        for (used, below) in edges[id].iter().filter_map(|used| members.get(*used)) {
            if !layer.may_use().contains(below) {
                let allowed = layer.may_use();
                wrong.push(format!(
                    "{name} ({layer:?}) must not use {used} ({below:?}), only {allowed:?}"
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
