//! Bundles in which one entry never costs its neighbours: what Encord rejects as a whole is halved until
//! exactly the entries that it rejects are left.

use std::ops::Range;
use std::sync::Arc;

use super::error::{Error, ErrorKind};

/// The most entries of one request, as in Encord's own SDK.
pub(super) const MOST_PER_REQUEST: usize = 1000;

/// Sends `entries` entries, up to `most` at a time, with as few requests as possible, and returns the result
/// of each, in order.
///
/// `send` sends the entries of one range and returns one result for each, or the rejection of the whole
/// request. Requests are made one after another, in the order of the entries. A failure that cannot be due
/// to an entry (no answer, a failing server, a refused key) ends it: the entries without a result get that
/// failure, and were possibly never sent.
pub(super) async fn each<T, F, Sent>(
    entries: usize,
    most: usize,
    send: F,
) -> Vec<Result<T, Arc<Error>>>
where
    F: Fn(Range<usize>) -> Sent,
    Sent: Future<Output = Result<Vec<Result<T, Error>>, Error>>,
{
    let mut results: Vec<Option<Result<T, Arc<Error>>>> = (0..entries).map(|_| None).collect();
    let mut bisection = Bisection::new(entries, most);
    let mut end = None;
    while let Some(part) = bisection.next_part() {
        match send(part.clone()).await {
            Ok(values) => {
                bisection.accepted();
                for (index, value) in part.zip(values) {
                    results[index] = Some(value.map_err(Arc::new));
                }
            }
            Err(error) if error.about_entry() => {
                let by_size = error.kind() == ErrorKind::PayloadTooLarge;
                if !bisection.rejected(by_size) {
                    results[part.start] = Some(Err(Arc::new(error)));
                }
            }
            Err(error) => {
                end = Some(Arc::new(error));
                break;
            }
        }
    }
    results
        .into_iter()
        .map(|result| match (result, &end) {
            (Some(result), _) => result,
            (None, Some(error)) => Err(Arc::clone(error)),
            (None, None) => unreachable!("the parts cover every entry unless a failure ended them"),
        })
        .collect()
}

/// Which part of a bundle to send next, decided from what became of the parts before.
#[derive(Debug)]
struct Bisection {
    /// What is left, the next part last.
    parts: Vec<Part>,
    /// What was given out last.
    current: Option<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    range: Range<usize>,
    /// The first half of a part that was rejected for one of its entries. If it passes, the reason is in
    /// the second half, which then need not be sent as a whole to learn that.
    clears_itself: bool,
    /// Something in it is known to be rejected.
    guilty: bool,
}

impl Bisection {
    fn new(entries: usize, most: usize) -> Bisection {
        let mut parts: Vec<_> = (0..entries)
            .step_by(most)
            .map(|start| Part {
                range: start..entries.min(start + most),
                clears_itself: false,
                guilty: false,
            })
            .collect();
        parts.reverse();
        Bisection {
            parts,
            current: None,
        }
    }

    /// The next part to send. Parts come in the order of their entries.
    fn next_part(&mut self) -> Option<Range<usize>> {
        loop {
            let part = self.parts.pop()?;
            if part.guilty && part.range.len() > 1 {
                self.push_halves(part.range, true);
                continue;
            }
            let range = part.range.clone();
            self.current = Some(part);
            return Some(range);
        }
    }

    /// The part given out last passed.
    fn accepted(&mut self) {
        if self.current.take().is_some_and(|part| part.clears_itself)
            && let Some(other_half) = self.parts.last_mut()
        {
            other_half.guilty = true;
        }
    }

    /// The part given out last was rejected. Whether there is something smaller to try; if not, it was a
    /// single entry. A part that was too large as a whole says nothing about its halves.
    fn rejected(&mut self, by_size: bool) -> bool {
        match self.current.take() {
            Some(part) if part.range.len() > 1 => {
                self.push_halves(part.range, !by_size);
                true
            }
            _ => false,
        }
    }

    fn push_halves(&mut self, range: Range<usize>, one_is_guilty: bool) {
        let middle = range.start + range.len() / 2;
        self.parts.push(Part {
            range: middle..range.end,
            clears_itself: false,
            guilty: false,
        });
        self.parts.push(Part {
            range: range.start..middle,
            clears_itself: one_is_guilty,
            guilty: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a run of the bisection did: the parts in the order in which they were sent, and for each
    /// entry whether it passed.
    struct Run {
        sent: Vec<Range<usize>>,
        passed: Vec<bool>,
    }

    /// Runs against a server that rejects a request if it holds a bad entry, or more than `limit`.
    fn run(bad: &[bool], limit: usize) -> Run {
        let mut bisection = Bisection::new(bad.len(), MOST_PER_REQUEST);
        let mut run = Run {
            sent: Vec::new(),
            passed: vec![false; bad.len()],
        };
        let mut decided = vec![0; bad.len()];
        while let Some(part) = bisection.next_part() {
            run.sent.push(part.clone());
            let too_large = part.len() > limit;
            if too_large || bad[part.clone()].contains(&true) {
                if !bisection.rejected(too_large) {
                    decided[part.start] += 1;
                }
            } else {
                bisection.accepted();
                run.passed[part.clone()].fill(true);
                decided[part].iter_mut().for_each(|count| *count += 1);
            }
        }
        assert!(
            decided.iter().all(|count| *count == 1),
            "each entry is decided once: {decided:?}"
        );
        run
    }

    fn pattern(bits: u32, length: usize) -> Vec<bool> {
        (0..length).map(|bit| bits >> bit & 1 == 1).collect()
    }

    #[test]
    fn exactly_the_bad_entries_fail() {
        for length in 1..=11 {
            for bits in 0..1u32 << length {
                let bad = pattern(bits, length);
                let run = run(&bad, usize::MAX);
                let expected: Vec<_> = bad.iter().map(|bad| !bad).collect();
                assert_eq!(run.passed, expected, "{bad:?}");
                assert!(run.sent.len() < 2 * length, "{bad:?}: {:?}", run.sent);
                if bits == 0 {
                    assert_eq!(run.sent.len(), 1);
                }
            }
        }
    }

    #[test]
    fn one_bad_entry_costs_a_few_requests() {
        for place in 0..100 {
            let mut bad = vec![false; 100];
            bad[place] = true;
            let run = run(&bad, usize::MAX);
            assert_eq!(run.passed.iter().filter(|passed| !**passed).count(), 1);
            assert!(!run.passed[place]);
            // 7 halvings of 100 entries, at most two requests each, after the first.
            assert!(run.sent.len() <= 15, "{place}: {:?}", run.sent);
        }
    }

    #[test]
    fn too_large_bundles_are_split_and_not_blamed() {
        for limit in 1..=9 {
            for bits in 0..1u32 << 9 {
                let bad = pattern(bits, 9);
                let run = run(&bad, limit);
                let expected: Vec<_> = bad.iter().map(|bad| !bad).collect();
                assert_eq!(run.passed, expected, "limit {limit}, {bad:?}");
                assert!(run.sent.len() < 18);
            }
        }
        assert_eq!(run(&[false; 8], 4).sent, [0..8, 0..4, 4..8]);
    }

    #[test]
    fn large_bundles_are_cut_first() {
        let run = run(&vec![false; 2500], usize::MAX);
        assert_eq!(run.sent, [0..1000, 1000..2000, 2000..2500]);
        assert!(Bisection::new(0, MOST_PER_REQUEST).next_part().is_none());
    }
}
