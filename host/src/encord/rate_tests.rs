use std::pin::pin;

use futures::FutureExt as _;

use super::*;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The times of the next slots, in seconds after `start`.
fn slots(rate: &mut Rate, start: Instant, now: Instant, count: usize) -> Vec<f64> {
    (0..count)
        .map(|_| {
            let after = rate.reserve(now).at - start;
            (after.as_secs_f64() * 1000.0).round() / 1000.0
        })
        .collect()
}

/// Sends as many requests as there are at `now`.
fn send(rate: &mut Rate, now: Instant, count: usize) {
    for _ in 0..count {
        let slot = rate.reserve(now);
        assert!(slot.at <= now && rate.begins(slot, now));
    }
}

#[test]
fn unlimited_until_encord_says_otherwise() {
    let start = Instant::now();
    let mut rate = Rate::default();
    assert_eq!(slots(&mut rate, start, start, 3), [0.0, 0.0, 0.0]);
    send(&mut rate, start, 10_000);
    rate.answered();
    assert_eq!(rate.limit, None);
}

#[test]
fn a_pause_is_for_everyone_and_ends_one_by_one() {
    let start = Instant::now();
    let mut rate = Rate::default();
    let early = rate.reserve(start);
    send(&mut rate, start, 5);
    let plan = rate.limited(start, start, Some(seconds(7.0)));
    assert_eq!(plan, Some((seconds(7.0), 10.0)));
    assert!(
        !rate.begins(early, start),
        "slots given out before do not hold"
    );
    assert_eq!(
        slots(&mut rate, start, start + seconds(1.0), 4),
        [7.0, 7.1, 7.2, 7.3]
    );
    // Nobody makes up for time in which nobody asked.
    assert_eq!(
        slots(&mut rate, start, start + seconds(60.0), 2),
        [60.0, 60.1]
    );
}

#[test]
fn many_at_once_are_cut_once() {
    let start = Instant::now();
    let mut rate = Rate::default();
    send(&mut rate, start, 400);
    for _ in 0..400 {
        rate.limited(start, start + seconds(0.1), Some(seconds(2.0)));
    }
    assert_eq!(
        rate.limit,
        Some(200.0),
        "half of the 400 of the last second"
    );
    // A longer pause is taken over, a shorter one does not end it.
    assert!(
        rate.limited(start, start + seconds(0.1), Some(seconds(5.0)))
            .is_some()
    );
    assert!(
        rate.limited(start, start + seconds(0.1), Some(seconds(1.0)))
            .is_none()
    );
    assert_eq!(
        slots(&mut rate, start, start + seconds(0.2), 2),
        [5.1, 5.105]
    );
    assert_eq!(rate.limit, Some(200.0));
}

#[test]
fn each_429_to_what_was_sent_since_cuts_again_down_to_the_least() {
    let mut now = Instant::now();
    let mut rate = Rate::default();
    let mut limits = Vec::new();
    for _ in 0..8 {
        let slot = rate.reserve(now);
        now = slot.at + seconds(0.001);
        assert!(rate.begins(slot, now));
        let (_, limit) = rate
            .limited(now, now + seconds(0.01), None)
            .expect("a new plan");
        limits.push(limit);
        now += seconds(0.01);
    }
    assert_eq!(limits, [10.0, 5.0, 2.5, 1.25, 0.625, 0.3125, LEAST, LEAST]);
    assert_eq!(
        rate.reserve(now).at,
        now + UNSAID_PAUSE,
        "without a time, a pause of one's own"
    );
}

#[test]
fn the_rate_grows_with_use_and_is_forgotten_when_it_is_plenty() {
    let start = Instant::now();
    let mut rate = Rate::default();
    rate.limited(start, start, Some(Duration::ZERO));
    assert_eq!(rate.limit, Some(10.0));
    // Ten answers are a second of full use.
    for _ in 0..10 {
        rate.answered();
    }
    let grown = rate.limit.expect("still limited");
    assert!((10.4..10.6).contains(&grown), "{grown}");
    for _ in 0..100_000 {
        rate.answered();
    }
    assert_eq!(rate.limit, None);
    let later = start + seconds(1.0);
    assert_eq!(slots(&mut rate, start, later, 2), [1.0, 1.0]);
}

#[test]
fn nobody_waits_for_ever() {
    let start = Instant::now();
    let mut rate = Rate::default();
    rate.limited(start, start, Some(seconds(100_000.0)));
    assert_eq!(rate.reserve(start).at, start + LONGEST_WAIT);
}

#[tokio::test]
async fn requests_wait_while_there_is_a_pause() {
    let limiter = Limiter::default();
    let sent = limiter
        .turn()
        .now_or_never()
        .expect("there is no limit yet");
    limiter.limited(sent, Some(seconds(60.0)));
    let mut waiting = pin!(limiter.turn());
    assert!((&mut waiting).now_or_never().is_none());
    let mut another = pin!(limiter.turn());
    assert!((&mut another).now_or_never().is_none());
}
