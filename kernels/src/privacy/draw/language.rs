//! Parses the language of shapes into statements.

use crate::ParameterError;

/// The farthest coordinate, and the longest length.
const FARTHEST: f64 = 32_767.0;

/// The forms of a statement.
const FORMS: [&str; 7] = [
    "box X Y WIDTH HEIGHT COLOR [THICKNESS]",
    "fill X Y WIDTH HEIGHT COLOR",
    "polyline X Y X Y ... COLOR [THICKNESS]",
    "polygon X Y X Y ... COLOR [THICKNESS]",
    "circle X Y RADIUS COLOR [THICKNESS]",
    "dot X Y RADIUS COLOR",
    "label X Y COLOR \"TEXT\" [BACKGROUND]",
];

/// The values that are used if a statement does not give them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) thickness: i64,
    pub(super) text_size: f32,
}

/// One shape in one colour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    /// The number of the statement, counted from 1.
    pub(super) number: usize,
    pub(super) shape: Figure,
    /// Red, green, blue and opacity.
    pub(super) color: [u8; 4],
}

/// What a statement draws. Coordinates are whole pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Figure {
    Box { corner: (i64, i64), size: (i64, i64), thickness: i64 },
    Fill { corner: (i64, i64), size: (i64, i64) },
    Lines { points: Vec<(i64, i64)>, closed: bool, thickness: i64 },
    Circle { centre: (i64, i64), radius: i64, thickness: i64 },
    Dot { centre: (i64, i64), radius: i64 },
    Label { at: (i64, i64), text: String, size: f32, background: Option<[u8; 4]> },
}

/// An error about one statement.
pub(super) fn wrong(number: usize, what: &str) -> ParameterError {
    let message = format!("statement {number} of shapes: {what}");
    ParameterError::new("shapes", message, FORMS.map(str::to_owned).to_vec())
}

/// All statements. Empty ones are skipped, but counted.
pub(super) fn parse(text: &str, defaults: &Defaults) -> Result<Vec<Statement>, ParameterError> {
    let mut statements = Vec::new();
    for (at, words) in split(text)?.into_iter().enumerate() {
        let reader = Reader { number: at + 1, words: &words, defaults };
        statements.extend(reader.statement()?);
    }
    Ok(statements)
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Plain(String),
    Quoted(String),
}

impl Word {
    fn shown(&self) -> String {
        match self {
            Self::Plain(word) => word.clone(),
            Self::Quoted(text) => format!("{text:?}"),
        }
    }
}

/// Words of each statement. Quotes, double or single, keep a text together.
fn split(text: &str) -> Result<Vec<Vec<Word>>, ParameterError> {
    let (mut done, mut words, mut plain) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars();
    let finish = |plain: &mut String, words: &mut Vec<Word>| {
        if !plain.is_empty() {
            words.push(Word::Plain(std::mem::take(plain)));
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            ';' | '\n' => {
                finish(&mut plain, &mut words);
                done.push(std::mem::take(&mut words));
            }
            ' ' | ',' | '\t' | '\r' => finish(&mut plain, &mut words),
            '"' | '\'' => {
                finish(&mut plain, &mut words);
                let quoted = quoted(&mut letters, letter)
                    .ok_or_else(|| wrong(done.len() + 1, &format!("a {letter} is not closed")))?;
                words.push(Word::Quoted(quoted));
            }
            _ => plain.push(letter),
        }
    }
    finish(&mut plain, &mut words);
    done.push(words);
    Ok(done)
}

/// Up to the closing quote; a backslash takes the next letter as it is.
fn quoted(letters: &mut impl Iterator<Item = char>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\\' => text.push(letters.next()?),
            letter if letter == quote => return Some(text),
            letter => text.push(letter),
        }
    }
}

/// Parses one statement.
struct Reader<'a> {
    number: usize,
    words: &'a [Word],
    defaults: &'a Defaults,
}

impl Reader<'_> {
    fn statement(mut self) -> Result<Option<Statement>, ParameterError> {
        let Some((first, rest)) = self.words.split_first() else { return Ok(None) };
        self.words = rest;
        let name = first.shown();
        let (shape, color) = match name.as_str() {
            "box" => {
                let (corner, size) = (self.point()?, self.size()?);
                let color = self.color()?;
                (Figure::Box { corner, size, thickness: self.thickness()? }, color)
            }
            "fill" => {
                let (corner, size) = (self.point()?, self.size()?);
                (Figure::Fill { corner, size }, self.color()?)
            }
            "polyline" | "polygon" => {
                let points = self.points()?;
                let color = self.color()?;
                let (closed, thickness) = (name == "polygon", self.thickness()?);
                (Figure::Lines { points, closed, thickness }, color)
            }
            "circle" => {
                let (centre, radius) = (self.point()?, self.length("the radius", 0)?);
                let color = self.color()?;
                (Figure::Circle { centre, radius, thickness: self.thickness()? }, color)
            }
            "dot" => {
                let (centre, radius) = (self.point()?, self.length("the radius", 0)?);
                (Figure::Dot { centre, radius }, self.color()?)
            }
            "label" => self.label()?,
            other => {
                return Err(wrong(
                    self.number,
                    &format!(
                        "there is no shape {other:?}; it must begin with box, fill, polyline, \
                         polygon, circle, dot or label"
                    ),
                ));
            }
        };
        match self.words.first() {
            Some(word) => {
                Err(self.wrong(&format!("unexpected {} after the statement", word.shown())))
            }
            None => Ok(Some(Statement { number: self.number, shape, color })),
        }
    }

    fn wrong(&self, what: &str) -> ParameterError {
        wrong(self.number, what)
    }

    fn next(&mut self, what: &str) -> Result<Word, ParameterError> {
        let Some((word, rest)) = self.words.split_first() else {
            return Err(self.wrong(&format!("{what} is missing")));
        };
        self.words = rest;
        Ok(word.clone())
    }

    fn number(&mut self, what: &str) -> Result<i64, ParameterError> {
        let word = self.next(what)?.shown();
        match word.parse::<f64>() {
            Ok(value) if value.abs() <= FARTHEST => Ok(value.round() as i64),
            Ok(value) if value.is_finite() => {
                Err(self
                    .wrong(&format!("{what} must be from -{FARTHEST} to {FARTHEST}, not {value}")))
            }
            _ => Err(self.wrong(&format!("{what} must be a number, not {word}"))),
        }
    }

    fn length(&mut self, what: &str, least: i64) -> Result<i64, ParameterError> {
        match self.number(what)? {
            length if length >= least => Ok(length),
            length => Err(self.wrong(&format!("{what} must be at least {least}, not {length}"))),
        }
    }

    fn point(&mut self) -> Result<(i64, i64), ParameterError> {
        Ok((self.number("x")?, self.number("y")?))
    }

    fn size(&mut self) -> Result<(i64, i64), ParameterError> {
        Ok((self.length("the width", 1)?, self.length("the height", 1)?))
    }

    /// All up to the colour.
    fn points(&mut self) -> Result<Vec<(i64, i64)>, ParameterError> {
        let mut points = Vec::new();
        while let Some(Word::Plain(word)) = self.words.first()
            && !word.starts_with('#')
        {
            points.push(self.point()?);
        }
        match points.len() {
            0 | 1 => Err(self.wrong("lines need two points or more before the colour")),
            _ => Ok(points),
        }
    }

    fn color(&mut self) -> Result<[u8; 4], ParameterError> {
        let word = self.next("the colour")?.shown();
        crate::parameters::color(&word)
            .ok_or_else(|| self.wrong(&format!("the colour must be like #ff8000, not {word}")))
    }

    fn thickness(&mut self) -> Result<i64, ParameterError> {
        if self.words.is_empty() {
            return Ok(self.defaults.thickness);
        }
        match self.number("the thickness")? {
            thickness @ 1..=64 => Ok(thickness),
            other => Err(self.wrong(&format!("the thickness must be from 1 to 64, not {other}"))),
        }
    }

    fn label(&mut self) -> Result<(Figure, [u8; 4]), ParameterError> {
        let (at, color) = (self.point()?, self.color()?);
        let Word::Quoted(text) = self.next("the text")? else {
            return Err(self.wrong("the text must be in quotes"));
        };
        let background = if self.words.is_empty() { None } else { Some(self.color()?) };
        let size = self.defaults.text_size;
        Ok((Figure::Label { at, text, size, background }, color))
    }
}
