//! What the filters must compute, written down a second time: plain floating point, one pixel
//! after the other, rounded once at the end. No code is shared with the program.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

use crate::picture::Picture;

/// A filter as users write it: `id` or `id:key=value,key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Its id.
    pub(crate) id: String,
    /// Its parameters.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Filter {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (id, rest) = text.split_once(':').unwrap_or((text, ""));
        let pairs = rest.split(',').filter(|pair| !pair.is_empty());
        let parameters = pairs
            .map(|pair| {
                let (key, value) = pair.split_once('=').with_context(|| format!("{pair:?}"))?;
                Ok((key.to_owned(), value.to_owned()))
            })
            .collect::<Result<_>>()?;
        Ok(Self { id: id.to_owned(), parameters })
    }

    fn text<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.parameters.get(key).map_or(default, String::as_str)
    }

    /// What it must make of that picture.
    pub(crate) fn apply(&self, picture: &Picture) -> Result<Picture> {
        match self.id.as_str() {
            "grayscale" => grayscale(picture, self.text("algorithm", "bt601")),
            "blur" => {
                // Separable or not: that is a way to compute it, not another result.
                let taps = self.text("kernel_size", "5").parse()?;
                let sigma = self.text("sigma", "1.0").parse()?;
                blur(picture, taps, sigma, self.text("border_mode", "reflect"))
            }
            other => bail!("no reference for the filter {other:?}"),
        }
    }
}

fn round(value: f64) -> u8 {
    (value + 0.5).floor().clamp(0.0, 255.0) as u8
}

fn grayscale(picture: &Picture, algorithm: &str) -> Result<Picture> {
    ensure!(picture.channels == 3, "a picture of {} channels", picture.channels);
    let mut pixels = Vec::with_capacity(picture.width * picture.height);
    for y in 0..picture.height {
        for x in 0..picture.width {
            let [r, g, b] = [0, 1, 2].map(|channel| picture.sample(x, y, channel));
            pixels.push(round(match algorithm {
                "bt601" => 0.299 * r + 0.587 * g + 0.114 * b,
                "bt709" => 0.2126 * r + 0.7152 * g + 0.0722 * b,
                "average" => (r + g + b) / 3.0,
                "lightness" => (r.max(g).max(b) + r.min(g).min(b)) / 2.0,
                "luminosity" => 0.21 * r + 0.72 * g + 0.07 * b,
                other => bail!("no reference for {other:?}"),
            }));
        }
    }
    Ok(Picture { channels: 1, pixels, ..*picture })
}

fn border(mode: &str, position: i64, length: i64) -> Result<usize> {
    let inside = match mode {
        "clamp" => position.clamp(0, length - 1),
        "wrap" => position.rem_euclid(length),
        // Mirrored between two pixels, the edge pixel twice, as often as it takes.
        "reflect" => match position.rem_euclid(2 * length) {
            back if back >= length => 2 * length - 1 - back,
            forth => forth,
        },
        other => bail!("no reference for the border {other:?}"),
    };
    Ok(usize::try_from(inside)?)
}

fn blur(picture: &Picture, taps: i64, sigma: f64, mode: &str) -> Result<Picture> {
    let radius = taps / 2;
    let weight = |dx: i64, dy: i64| {
        let squared = (dx * dx + dy * dy) as f64;
        (-squared / (2.0 * sigma * sigma)).exp()
    };
    let offsets = || (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy)));
    let total: f64 = offsets().map(|(dx, dy)| weight(dx, dy)).sum();
    let (width, height) = (i64::try_from(picture.width)?, i64::try_from(picture.height)?);
    let mut pixels = Vec::with_capacity(picture.pixels.len());
    for y in 0..height {
        for x in 0..width {
            for channel in 0..picture.channels {
                let mut sum = 0.0;
                for (dx, dy) in offsets() {
                    let at = (border(mode, x + dx, width)?, border(mode, y + dy, height)?);
                    sum += weight(dx, dy) * picture.sample(at.0, at.1, channel);
                }
                pixels.push(round(sum / total));
            }
        }
    }
    Ok(Picture { pixels, ..*picture })
}
