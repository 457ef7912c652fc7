//! Turns text into the coverage of pixels.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, Glyph, OutlinedGlyph, PxScale, ScaleFont as _, point};

use super::language::wrong;
use super::raster::Span;
use crate::ParameterError;

/// Printable ASCII and Latin-1 of DejaVu Sans 2.35.
static FONT: &[u8] = include_bytes!("../../../assets/dejavu-sans-latin.ttf");

/// The most pixels of all labels together: what a request may take of memory.
const MOST_PIXELS: usize = 1 << 24;

/// A text that was drawn.
#[derive(Debug)]
pub(super) struct Label {
    /// The first and last column and row, with some room around the text.
    pub(super) area: [i64; 4],
    /// The coverage of each pixel, row by row.
    pub(super) coverage: Vec<u8>,
    /// Left column and top row of the coverage.
    corner: (i64, i64),
    width: usize,
    /// The coverage of other labels before this one, in pixels.
    offset: usize,
}

impl Label {
    /// One for each row that has something.
    pub(super) fn spans(&self, color: [u8; 4]) -> impl Iterator<Item = Span> {
        let rows = self.coverage.chunks(self.width.max(1)).enumerate();
        rows.filter_map(move |(row, line)| {
            let first = line.iter().position(|covered| *covered > 0)?;
            let last = line.iter().rposition(|covered| *covered > 0)?;
            Some(Span {
                y: self.corner.1 + row as i64,
                x: self.corner.0 + first as i64,
                len: last + 1 - first,
                color,
                coverage: Some(self.offset + row * self.width + first),
            })
        })
    }
}

fn font() -> Option<&'static FontRef<'static>> {
    static PARSED: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    PARSED.get_or_init(|| FontRef::try_from_slice(FONT).ok()).as_ref()
}

/// Draws a text of that height; `x` and `y` are the left end of the line that it stands on.
pub(super) fn label(
    number: usize,
    (x, y): (i64, i64),
    text: &str,
    size: f32,
    offset: usize,
) -> Result<Label, ParameterError> {
    let font = font().ok_or_else(|| wrong(number, "the font cannot be read"))?;
    let scale = PxScale::from(size);
    let scaled = font.as_scaled(scale);
    let mut glyphs: Vec<OutlinedGlyph> = Vec::new();
    let (mut caret, mut before) = (0.0, None);
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        if id.0 == 0 {
            let what = format!(
                "the font has no {letter:?}; text may have the letters of ASCII and Latin-1"
            );
            return Err(wrong(number, &what));
        }
        caret += before.map_or(0.0, |before| scaled.kern(before, id));
        let glyph = Glyph { id, scale, position: point(caret, 0.0) };
        glyphs.extend(font.outline_glyph(glyph));
        caret += scaled.h_advance(id);
        before = Some(id);
    }
    let room = (size / 8.0).ceil() as i64;
    let area = [
        x - room,
        y - scaled.ascent().ceil() as i64,
        x + caret.ceil() as i64 + room - 1,
        y + (-scaled.descent()).ceil() as i64 - 1,
    ];
    let (left, top, width, coverage) = cover(&glyphs, offset).ok_or_else(|| {
        wrong(number, &format!("together the labels have more than {MOST_PIXELS} pixels"))
    })?;
    Ok(Label { area, coverage, corner: (x + left, y + top), width, offset })
}

/// The glyphs in one bitmap: its left and top, its width, its pixels; `None` if with those before
/// there are too many.
fn cover(glyphs: &[OutlinedGlyph], before: usize) -> Option<(i64, i64, usize, Vec<u8>)> {
    let all = glyphs.iter().map(OutlinedGlyph::px_bounds).reduce(|mut all, one| {
        all.min.x = all.min.x.min(one.min.x);
        all.min.y = all.min.y.min(one.min.y);
        all.max.x = all.max.x.max(one.max.x);
        all.max.y = all.max.y.max(one.max.y);
        all
    });
    // Nothing but spaces.
    let Some(all) = all else { return Some((0, 0, 0, Vec::new())) };
    let (left, top) = (all.min.x as i64, all.min.y as i64);
    let (width, height) = (all.width().ceil() as usize, all.height().ceil() as usize);
    let pixels = width.checked_mul(height).filter(|pixels| before + pixels <= MOST_PIXELS)?;
    let mut coverage = vec![0_u8; pixels];
    for glyph in glyphs {
        let bounds = glyph.px_bounds();
        let (right, down) = ((bounds.min.x as i64 - left), (bounds.min.y as i64 - top));
        glyph.draw(|x, y, covered| {
            let (x, y) = (right + i64::from(x), down + i64::from(y));
            let at = usize::try_from(y * width as i64 + x).ok();
            if let Some(to) = at.and_then(|at| coverage.get_mut(at)) {
                // Where two letters meet, their parts of the pixel add up.
                *to = to.saturating_add((covered.clamp(0.0, 1.0) * 255.0).round() as u8);
            }
        });
    }
    Some((left, top, width, coverage))
}
