//! `docs/reference/filters.md` and its pictures are made from the definitions, and say what they
//! say now.
//!
//! `OCELLI_UPDATE_DOCS=1 cargo test -p ocelli-kernels --test filters_page` (or `make docs`) writes
//! them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod examples;
mod page;
mod pictures;

use std::path::{Path, PathBuf};

use ocelli_kernels::Catalog;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn update() -> bool {
    std::env::var_os("OCELLI_UPDATE_DOCS").is_some()
}

const HINT: &str = "run `make docs` and look at the difference";

#[test]
fn the_page_is_made_from_the_definitions() {
    let path = root().join("docs/reference/filters.md");
    let must = page::text(&Catalog::standard());
    if update() {
        std::fs::write(&path, &must).unwrap();
    }
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    let differ = is.lines().zip(must.lines()).position(|(is, must)| is != must);
    if let Some(line) = differ {
        let must = must.lines().nth(line).unwrap();
        panic!("docs/reference/filters.md, line {}, must say {must:?}: {HINT}", line + 1);
    }
    assert_eq!(is.len(), must.len(), "docs/reference/filters.md: {HINT}");
}

#[test]
fn the_pictures_show_what_the_filters_do() {
    let folder = root().join("docs/pictures/filters");
    if update() {
        std::fs::create_dir_all(&folder).unwrap();
    }
    let mut known = Vec::new();
    for definition in Catalog::standard().definitions() {
        let Some(must) = pictures::before_and_after(definition) else { continue };
        let path = folder.join(format!("{}.jpg", definition.id));
        if update() {
            pictures::write(&path, &must);
        }
        pictures::compare(&path, &must);
        known.push(path);
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !known.contains(&path) {
            assert!(update(), "{} is of no filter: {HINT}", path.display());
            std::fs::remove_file(path).unwrap();
        }
    }
}
