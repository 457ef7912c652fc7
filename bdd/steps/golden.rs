//! Checksums of results, stored beside the features: a result may not change by accident.
//!
//! `OCELLI_BDD_UPDATE_GOLDEN=1` writes what the run saw instead of comparing with it.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Mutex};

use anyhow::{Context as _, Result, ensure};

/// Says to write the file instead of comparing with it.
const UPDATE: &str = "OCELLI_BDD_UPDATE_GOLDEN";

static SEEN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("features/golden.json")
}

fn updating() -> bool {
    std::env::var_os(UPDATE).is_some_and(|value| value == "1")
}

fn stored() -> Result<BTreeMap<String, String>> {
    let path = path();
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Compares a checksum with the stored one.
pub(crate) fn check(key: &str, checksum: &str) -> Result<()> {
    if updating() {
        let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.insert(key.to_owned(), checksum.to_owned());
        return Ok(());
    }
    let known = stored()?;
    let expected = known.get(key).with_context(|| {
        format!("no checksum for {key:?}; run with {UPDATE}=1 and look at what changes")
    })?;
    ensure!(
        expected == checksum,
        "the pixels changed: SHA-256 {checksum}, stored is {expected}; if that is meant, run with \
         {UPDATE}=1"
    );
    Ok(())
}

/// Writes what was seen, if asked to; checksums of scenarios that did not run stay.
pub(crate) fn save() -> Result<()> {
    let seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if !updating() || seen.is_empty() {
        return Ok(());
    }
    let mut all = if path().exists() { stored()? } else { BTreeMap::new() };
    all.extend(seen);
    fs::write(path(), serde_json::to_string_pretty(&all)? + "\n")?;
    Ok(())
}
