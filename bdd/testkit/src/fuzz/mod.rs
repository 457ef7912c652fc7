//! Mutated input for a parser: whatever the bytes, it ends soon and does not panic.
//!
//! A run starts from a corpus, which the parser must take, and goes on with inputs made from it by
//! changing bytes, and by inserting words that mean something to the parser. What the parser takes
//! joins the corpus. The inputs are the same in every run. These variables change that:
//!
//! - `OCELLI_FUZZ_SECONDS=60` goes on for that long with each target.
//! - `OCELLI_FUZZ_SEED=7` makes other inputs.
//! - `OCELLI_FUZZ_INPUT=0a1b…` tries that input and no other, for one that was found.
//!
//! It uses the standard library only: the tests of `ocelli-media` include it by its path, because
//! they are also compiled for other machines, without the rest of the workspace.

mod mutate;
mod watch;

#[allow(clippy::disallowed_types, reason = "a paused clock would never end a run")]
use std::time::Instant;
use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

pub use self::mutate::Random;
use self::watch::Watch;

/// The corpus grows up to this many inputs.
const CORPUS: usize = 512;
/// An input that takes too long is tried that often: the machine may have been busy.
const TRIES: usize = 4;
/// Of so many inputs at least one must be taken, and one refused.
const SHARE: usize = 200;

/// One parser under test.
pub struct Fuzz<'a> {
    name: &'a str,
    corpus: Vec<Vec<u8>>,
    words: Vec<&'a [u8]>,
    executions: usize,
    longest: usize,
    limit: Duration,
    #[allow(clippy::type_complexity, reason = "it is named once")]
    mend: Box<dyn FnMut(&mut Vec<u8>, &mut Random) + 'a>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The inputs that were tried, without the corpus.
    pub executions: usize,
    /// Those of them that the parser took.
    pub taken: usize,
}

/// What a run found.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding(String);

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Fuzz<'a> {
    /// A target with inputs that its parser takes.
    pub fn new<T: AsRef<[u8]>>(name: &'a str, corpus: impl IntoIterator<Item = T>) -> Self {
        Self {
            name,
            corpus: corpus.into_iter().map(|input| input.as_ref().to_vec()).collect(),
            words: Vec::new(),
            executions: 20_000,
            longest: 4_096,
            limit: Duration::from_secs(1),
            mend: Box::new(|_, _| ()),
        }
    }

    /// Sets the texts that mean something to the parser.
    #[must_use]
    pub fn words<T: AsRef<[u8]> + ?Sized>(mut self, words: &[&'a T]) -> Self {
        self.words = words.iter().map(|word| (*word).as_ref()).collect();
        self
    }

    /// Sets how many inputs are tried if no time is given.
    #[must_use]
    pub const fn executions(mut self, executions: usize) -> Self {
        self.executions = executions;
        self
    }

    /// Sets the length of the longest input in bytes.
    #[must_use]
    pub const fn longest(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// Sets how long one input may take.
    #[must_use]
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets a last change to each input, such as a correct checksum, behind which the parser would
    /// see nothing otherwise.
    #[must_use]
    pub fn mend(mut self, mend: impl FnMut(&mut Vec<u8>, &mut Random) + 'a) -> Self {
        self.mend = Box::new(mend);
        self
    }

    /// Calls `check` with each input. It says whether the parser took the input, and panics if the
    /// parser did something that it must not do.
    ///
    /// # Errors
    /// If `check` panics or takes too long, with the input in hexadecimal; if it refuses an input of
    /// the corpus; and if hardly any input is taken, or refused, so that the mutations test nothing.
    pub fn run(mut self, mut check: impl FnMut(&[u8]) -> bool) -> Result<Tally, Finding> {
        let watch = Watch::start(self.name);
        if let Some(input) = variable::<String>("OCELLI_FUZZ_INPUT")? {
            let input = unhex(&input)
                .ok_or_else(|| Finding("OCELLI_FUZZ_INPUT is not hexadecimal".to_owned()))?;
            let taken = self.one(&input, 0, &watch, &mut check)?;
            return Ok(Tally { executions: 1, taken: taken.into() });
        }
        for input in self.corpus.clone() {
            if !self.one(&input, 0, &watch, &mut check)? {
                let (name, input) = (self.name, hex(&input));
                return Err(Finding(format!("{name} refuses an input of its corpus: {input}")));
            }
        }
        let seconds = variable::<u64>("OCELLI_FUZZ_SECONDS")?.map(Duration::from_secs);
        let seed = variable::<u64>("OCELLI_FUZZ_SEED")?.unwrap_or(1);
        let (mut random, kept) = (Random::new(seed), self.corpus.len());
        let (started, mut tally) = (now(), Tally { executions: 0, taken: 0 });
        while seconds.map_or(tally.executions < self.executions, |all| started.elapsed() < all) {
            let input = self.next(&mut random);
            tally.executions += 1;
            if self.one(&input, tally.executions, &watch, &mut check)? {
                tally.taken += 1;
                self.keep(input, kept, &mut random);
            }
        }
        self.report(tally, started.elapsed(), seed);
        let least = tally.executions / SHARE;
        if tally.taken < least || tally.executions - tally.taken < least {
            return Err(Finding(format!("{}: {tally:?} is one-sided", self.name)));
        }
        Ok(tally)
    }

    #[allow(clippy::print_stdout, reason = "the number of executions is a result")]
    fn report(&self, Tally { executions, taken }: Tally, took: Duration, seed: u64) {
        let name = self.name;
        println!("fuzz: {name}: {executions} inputs, {taken} taken, {took:.1?}, seed {seed}");
    }

    fn next(&mut self, random: &mut Random) -> Vec<u8> {
        let one = self.corpus.get(random.below(self.corpus.len())).cloned().unwrap_or_default();
        let other = self.corpus.get(random.below(self.corpus.len())).map_or(&[][..], Vec::as_slice);
        let mut input = one;
        for _ in 0..=random.below(6) {
            random.mutate(&mut input, other, &self.words);
        }
        input.truncate(self.longest);
        (self.mend)(&mut input, random);
        input
    }

    /// Lets an input be the start of others. The original corpus stays.
    fn keep(&mut self, input: Vec<u8>, kept: usize, random: &mut Random) {
        if self.corpus.len() < CORPUS.max(kept + 1) {
            self.corpus.push(input);
        } else if let Some(place) = self.corpus.get_mut(kept + random.below(CORPUS - kept)) {
            *place = input;
        }
    }

    fn one(
        &self,
        input: &[u8],
        execution: usize,
        watch: &Watch,
        check: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<bool, Finding> {
        let wrong = |what: String| {
            let (name, input) = (self.name, hex(input));
            Finding(format!("{name}, input {execution}: {what}; OCELLI_FUZZ_INPUT={input}"))
        };
        let mut fastest = Duration::MAX;
        for _ in 0..TRIES {
            let started = now();
            watch.begin(input);
            let taken = catch_unwind(AssertUnwindSafe(|| check(input)));
            watch.end();
            let taken = taken.map_err(|panic| wrong(format!("panicked: {}", text(&*panic))))?;
            fastest = fastest.min(started.elapsed());
            if fastest <= self.limit {
                return Ok(taken);
            }
        }
        Err(wrong(format!("took {fastest:.1?}, {:.1?} at most are allowed", self.limit)))
    }
}

#[allow(clippy::disallowed_types, reason = "a paused clock would never end a run")]
fn now() -> Instant {
    Instant::now()
}

fn variable<T: std::str::FromStr>(name: &str) -> Result<Option<T>, Finding> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let value = text.to_str().and_then(|text| text.parse().ok());
    value.map(Some).ok_or_else(|| Finding(format!("{name} has a value that cannot be read")))
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

/// The input in hexadecimal, as `OCELLI_FUZZ_INPUT` takes it.
fn hex(input: &[u8]) -> String {
    input.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
            }
            _ => None,
        })
        .collect()
}
