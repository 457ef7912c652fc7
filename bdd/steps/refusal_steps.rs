//! What a refusal must say.

use anyhow::{Context as _, Result, ensure};
use cucumber::then;

use crate::{outcome::Refusal, world::World};

impl World {
    /// The refusals of the last request; there must be one.
    fn refused(&self) -> Result<&[Refusal]> {
        ensure!(!self.refusals.is_empty(), "nothing was refused");
        Ok(&self.refusals)
    }
}

#[then(expr = "it is refused as {string} with status {int}")]
#[then(expr = "HTTP and NATS refuse it as {string} with status {int}")]
fn refused(world: &mut World, kind: String, status: u16) -> Result<()> {
    for refusal in world.refused()? {
        let is = (refusal.kind.as_str(), refusal.status);
        ensure!(is == (kind.as_str(), status), "{refusal:?}");
        ensure!(!refusal.request_id.is_empty(), "{refusal:?}");
    }
    Ok(())
}

#[then(expr = "the refusal is about {string}")]
fn about(world: &mut World, field: String) -> Result<()> {
    world.refused()?.iter().try_for_each(|refusal| {
        ensure!(refusal.field == field, "{refusal:?}");
        Ok(())
    })
}

#[then(expr = "the refusal says what is allowed: {string}")]
fn says_allowed(world: &mut World, allowed: String) -> Result<()> {
    world.refused()?.iter().try_for_each(|refusal| {
        for one in allowed.split(", ") {
            ensure!(refusal.allowed.iter().any(|known| known == one), "no {one}: {refusal:?}");
        }
        Ok(())
    })
}

#[then(expr = "the refusal mentions {string}")]
fn mentions(world: &mut World, text: String) -> Result<()> {
    world.refused()?.iter().try_for_each(|refusal| {
        ensure!(refusal.message.contains(&text), "{refusal:?}");
        Ok(())
    })
}

#[then("the refusal says when to try again")]
fn retry(world: &mut World) -> Result<()> {
    world.refused()?.iter().try_for_each(|refusal| {
        let ms = refusal.retry_after_ms.with_context(|| format!("{refusal:?}"))?;
        ensure!(ms > 0, "{refusal:?}");
        // The header has whole seconds: rounded up, or the client comes too early.
        ensure!(refusal.retry_after.is_none_or(|s| s >= 1 && s * 1000 >= ms), "{refusal:?}");
        Ok(())
    })
}
