//! Which frames of a video are wanted, and how FFmpeg is told.

use std::fmt::Write as _;

use crate::error::MediaError;

/// The longest expression that FFmpeg is given. A system takes arguments of up to 128 KiB each.
const MOST_EXPRESSION: usize = 100_000;
/// Characters of an expression for one run of frames: `if(lt(n,4294967295),between(n,4294967290,4294967294),)`.
const MOST_PER_RUN: usize = 54;

/// Which frames of a video are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// All, in the order in which they are shown.
    All,
    /// Frame 0.
    First,
    /// These, in ascending order. One that is given twice comes twice. It is an error if the video does not have one.
    Indices(Vec<u32>),
    /// The frames ⌊k / rate⌋ for k = 0, 1, 2 and so on, as `encord-agents` samples: every fifth at 0.2.
    Rate {
        /// Greater than 0, at most 1.
        rate: f64,
        /// So many at most: k is less. In `encord-agents`, the number of frames that the platform says. Without, and also
        /// where the video is shorter, it ends with the video.
        frames: Option<u32>,
    },
}

impl Selection {
    /// Errors: the rate or the order is wrong.
    pub(super) fn checked(self) -> Result<(Wanted, Passes), MediaError> {
        match self {
            Self::All => Ok((Wanted::every(None, 1.0), Passes::All)),
            Self::First => Ok((Wanted::Listed(vec![0].into_iter().peekable()), first())),
            Self::Indices(indices) => {
                if let Some(pair) = indices.windows(2).find(|pair| pair[0] > pair[1]) {
                    return Err(MediaError::invalid(format!(
                        "expected frames in ascending order, found {} after {}",
                        pair[1], pair[0]
                    ))
                    .with_help("sort the indices"));
                }
                let passes = Passes::Runs(Runs::of(&indices));
                Ok((Wanted::Listed(indices.into_iter().peekable()), passes))
            }
            // Also where it is not a number.
            Self::Rate { rate, .. } if !(rate > 0.0 && rate <= 1.0) => Err(MediaError::invalid(
                format!("expected a rate of frames greater than 0 and at most 1, found {rate}"),
            )),
            Self::Rate { rate, frames } => {
                let passes = if rate == 1.0 {
                    Passes::All
                } else {
                    Passes::Rate(rate)
                };
                Ok((Wanted::every(frames, rate), passes))
            }
        }
    }
}

fn first() -> Passes {
    Passes::Runs(Runs::of(&[0]))
}

/// The frames that are still to be given, in order.
#[derive(Debug)]
pub(super) enum Wanted {
    Listed(std::iter::Peekable<std::vec::IntoIter<u32>>),
    Sampled {
        k: u64,
        /// k is less.
        most: u64,
        rate: f64,
    },
}

impl Wanted {
    pub(super) fn nothing() -> Self {
        Self::Listed(Vec::new().into_iter().peekable())
    }

    fn every(frames: Option<u32>, rate: f64) -> Self {
        Self::Sampled {
            k: 0,
            most: frames.map_or(u64::MAX, u64::from),
            rate,
        }
    }

    /// The next, or `None` after the last.
    pub(super) fn current(&mut self) -> Option<u32> {
        match self {
            Self::Listed(left) => left.peek().copied(),
            Self::Sampled { k, most, rate } if *k < *most => sampled(*k, *rate),
            Self::Sampled { .. } => None,
        }
    }

    pub(super) fn advance(&mut self) {
        match self {
            Self::Listed(left) => {
                left.next();
            }
            Self::Sampled { k, .. } => *k += 1,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Listed(left) => left.len() == 0,
            Self::Sampled { k, most, rate } => k >= most || sampled(*k, *rate).is_none(),
        }
    }

    /// Whether it is an error if the video ends before.
    pub(super) fn is_explicit(&self) -> bool {
        matches!(self, Self::Listed(_))
    }
}

/// Python's `int(k / rate)`: both divide in double precision. `None` beyond any video.
fn sampled(k: u64, rate: f64) -> Option<u32> {
    let index = (k as f64 / rate).trunc();
    (index <= f64::from(u32::MAX)).then_some(index as u32)
}

/// Which frames FFmpeg hands over: all that are wanted, and perhaps some between.
#[derive(Debug, Clone)]
pub(super) enum Passes {
    All,
    Runs(Runs),
    Rate(f64),
}

impl Passes {
    /// For the filter `select`, with `n` for the index of a frame. `None` for all.
    pub(super) fn expression(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Runs(runs) => Some(runs.expression()),
            // k is the nearest whole number to n × rate, or one beside it; all is in double precision here too. The
            // number is written so that the same one is read.
            Self::Rate(rate) => Some(format!(
                "st(0,floor(n*{rate:e}));eq(trunc(ld(0)/{rate:e}),n)+eq(trunc((ld(0)+1)/{rate:e}),n)\
                 +eq(trunc((ld(0)+2)/{rate:e}),n)"
            )),
        }
    }

    /// After so many frames FFmpeg can end. `None` if it is not known.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::All | Self::Rate(_) => None,
            Self::Runs(runs) => Some(runs.count()),
        }
    }

    pub(super) fn passes(&self, index: u64) -> bool {
        match self {
            Self::All => true,
            Self::Runs(runs) => runs.has(index),
            Self::Rate(rate) => {
                let k = (index as f64 * rate).floor();
                [k, k + 1.0, k + 2.0]
                    .into_iter()
                    .any(|k| (k / rate).trunc() == index as f64)
            }
        }
    }
}

/// Runs of indices, in ascending order and apart from each other: first and last of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// The runs of a list in ascending order. If there are too many for one argument, those that are closest are joined:
    /// the frames between are handed over for nothing, and left out later.
    fn of(indices: &[u32]) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for index in indices {
            match runs.last_mut() {
                Some((_, last)) if u64::from(*index) <= u64::from(*last) + 1 => *last = *index,
                _ => runs.push((*index, *index)),
            }
        }
        let most = MOST_EXPRESSION / MOST_PER_RUN;
        if runs.len() > most {
            let mut gaps: Vec<u32> = runs.windows(2).map(|pair| pair[1].0 - pair[0].1).collect();
            let joined = runs.len() - most;
            // So many gaps are at most this long; of those that are exactly so long, all are closed.
            let (_, longest, _) = gaps.select_nth_unstable(joined - 1);
            let longest = *longest;
            runs = runs.into_iter().fold(Vec::new(), |mut runs, run| {
                match runs.last_mut() {
                    Some((_, last)) if run.0 - *last <= longest => *last = run.1,
                    _ => runs.push(run),
                }
                runs
            });
        }
        Self(runs)
    }

    fn count(&self) -> u64 {
        self.0
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    fn has(&self, index: u64) -> bool {
        let at = self.0.partition_point(|(_, last)| u64::from(*last) < index);
        self.0
            .get(at)
            .is_some_and(|(first, _)| u64::from(*first) <= index)
    }

    /// A tree of comparisons: each frame passes by a few of them, however many runs there are.
    fn expression(&self) -> String {
        let mut text = String::new();
        write_tree(&self.0, &mut text);
        text
    }
}

fn write_tree(runs: &[(u32, u32)], text: &mut String) {
    // Writing into a string does not fail.
    let _ = match runs {
        [] => write!(text, "0"),
        [(first, last)] if first == last => write!(text, "eq(n,{first})"),
        [(first, last)] => write!(text, "between(n,{first},{last})"),
        _ => {
            let (before, after) = runs.split_at(runs.len() / 2);
            let _ = write!(text, "if(lt(n,{}),", after[0].0);
            write_tree(before, text);
            text.push(',');
            write_tree(after, text);
            write!(text, ")")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_at_a_rate_is_what_is_wanted() {
        let rates = (1..=60).map(|fps| 1.0 / f64::from(fps));
        let more = (1..200).map(|part| f64::from(part) / 199.0);
        let special = [
            0.1 + 0.2,
            1.0 - f64::EPSILON,
            2.0 / 3.0,
            1e-9,
            f64::MIN_POSITIVE,
        ];
        for rate in rates.chain(more).chain(special) {
            let wanted: Vec<u64> = (0..)
                .map_while(|k| sampled(k, rate))
                .map(u64::from)
                .take_while(|index| *index < 2000)
                .collect();
            let passes = Passes::Rate(rate);
            let handed: Vec<u64> = (0..2000).filter(|index| passes.passes(*index)).collect();
            let mut once = wanted;
            once.dedup();
            assert_eq!(handed, once, "{rate}");
        }
    }

    #[test]
    fn expressions() {
        let runs = |indices: &[u32]| Runs::of(indices).expression();
        assert_eq!(runs(&[]), "0");
        assert_eq!(runs(&[7, 7]), "eq(n,7)");
        assert_eq!(runs(&[1, 2, 3, 9]), "if(lt(n,9),between(n,1,3),eq(n,9))");
        assert_eq!(
            runs(&[0, 2, u32::MAX]),
            "if(lt(n,2),eq(n,0),if(lt(n,4294967295),eq(n,2),eq(n,4294967295)))"
        );
    }

    #[test]
    fn long_lists_stay_within_an_argument_and_lose_nothing() {
        let even: Vec<u32> = (0..100_000).map(|k| k * 40_000).collect();
        let uneven: Vec<u32> = (0..60_000_u32).map(|k| k * k).collect();
        for indices in [even, uneven] {
            let runs = Runs::of(&indices);
            assert!(runs.expression().len() <= MOST_EXPRESSION);
            assert!(indices.iter().all(|index| runs.has(u64::from(*index))));
            let counted: u64 = runs.count();
            assert!(counted >= indices.len() as u64);
        }
        let few = Runs::of(&[3, 4, 9]);
        let has: Vec<u64> = (0..12).filter(|index| few.has(*index)).collect();
        assert_eq!((has, few.count()), (vec![3, 4, 9], 3));
    }
}
