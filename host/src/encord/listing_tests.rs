use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::*;
use crate::encord::ErrorKind;
use crate::encord::peer::{Answer, Peer, ok};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);
const STAGE: Uuid = Uuid::from_u128(0x6011_c844_fb26_438b_b465_0b08_2595_1015);
const PAGE: usize = 10;

/// What a page token means to the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Paging {
    /// How many tasks to pass over.
    Position,
    /// The task after which to go on.
    Cursor,
}

/// The tasks that wait at a stage, by number and in ascending order.
#[derive(Clone, Default)]
struct Queue(Arc<Mutex<Vec<u128>>>);

impl Queue {
    fn of(tasks: impl IntoIterator<Item = u128>) -> Queue {
        Queue(Arc::new(Mutex::new(tasks.into_iter().collect())))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u128>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, tasks: &[u128]) {
        self.lock().retain(|task| !tasks.contains(task));
    }

    /// A page; of these data units only, if there are any.
    fn page(&self, paging: Paging, token: Option<&str>, of: &[u128]) -> Answer {
        let queue = self.lock();
        let matching: Vec<u128> = queue
            .iter()
            .copied()
            .filter(|task| of.is_empty() || of.contains(task))
            .collect();
        let token: u128 = token.map_or(0, |token| token.parse().expect("a token of this server"));
        let rest: Vec<u128> = match paging {
            Paging::Position => matching.iter().copied().skip(token as usize).collect(),
            Paging::Cursor => matching
                .iter()
                .copied()
                .filter(|task| *task > token)
                .collect(),
        };
        let page = &rest[..rest.len().min(PAGE)];
        let next = (rest.len() > PAGE).then(|| match paging {
            Paging::Position => token + PAGE as u128,
            Paging::Cursor => page[PAGE - 1],
        });
        let results: Vec<_> = page
            .iter()
            .map(|task| json!({"uuid": Uuid::from_u128(*task), "dataHash": Uuid::from_u128(*task)}))
            .collect();
        ok(
            &json!({"results": results, "nextPageToken": next.map(|next| next.to_string())})
                .to_string(),
        )
    }

    async fn serve(&self, paging: Paging) -> Peer {
        let queue = self.clone();
        Peer::answering(move |request| {
            let token = request.parameters("pageToken").pop();
            let of: Vec<u128> = request
                .parameters("dataHashes")
                .iter()
                .map(|hash| hash.parse::<Uuid>().expect("a UUID").as_u128())
                .collect();
            queue.page(paging, token.as_deref(), &of)
        })
        .await
    }
}

/// Lists all, and does `after` with each page, the empty ones included.
async fn all(listing: &mut TaskListing, mut after: impl FnMut(&[u128])) -> Vec<u128> {
    let mut given = Vec::new();
    while let Some(page) = listing.next_page().await.expect("a page") {
        let page: Vec<_> = page.iter().map(|task| task.uuid.as_u128()).collect();
        after(&page);
        given.extend(page);
    }
    given
}

#[tokio::test]
async fn nothing_is_skipped_or_given_twice_while_tasks_leave() {
    for paging in [Paging::Position, Paging::Cursor] {
        let queue = Queue::of(1..=95);
        let peer = queue.serve(paging).await;
        let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
        // Each task leaves as soon as it was given.
        let mut given = all(&mut listing, |page| queue.leave(page)).await;
        given.sort_unstable();
        assert_eq!(given, (1..=95).collect::<Vec<_>>(), "{paging:?}");
        assert!(queue.lock().is_empty());
    }
}

#[tokio::test]
async fn a_round_that_shows_nothing_new_is_not_believed_if_tasks_left_meanwhile() {
    for paging in [Paging::Position, Paging::Cursor] {
        let queue = Queue::of(1..=40);
        let served = queue.clone();
        let asked = Mutex::new(0);
        let peer = Peer::answering(move |request| {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            *asked += 1;
            match *asked {
                // By position, 21 to 25 move to where the third page no longer begins.
                3 => served.leave(&[16, 17, 18, 19, 20]),
                // And in the second round from the second page to the first, which was read already.
                6 => served.leave(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
                _ => {}
            }
            let token = request.parameters("pageToken").pop();
            served.page(paging, token.as_deref(), &[])
        })
        .await;
        let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
        let mut given = all(&mut listing, |_| ()).await;
        given.sort_unstable();
        assert_eq!(given, (1..=40).collect::<Vec<_>>(), "{paging:?}");
    }
}

#[tokio::test]
async fn tasks_that_stay_are_given_once_and_the_listing_ends() {
    for paging in [Paging::Position, Paging::Cursor] {
        let queue = Queue::of(1..=25);
        let peer = queue.serve(paging).await;
        let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
        let given = all(&mut listing, |_| ()).await;
        assert_eq!(given, (1..=25).collect::<Vec<_>>());
        // Three pages, and three more to be sure.
        assert_eq!(peer.client.requests(), 6);
        assert_eq!(listing.next_page().await.expect("the end"), None);
        assert_eq!(peer.client.requests(), 6);
    }
}

#[tokio::test]
async fn a_single_page_is_read_once() {
    let queue = Queue::of(1..=10);
    let peer = queue.serve(Paging::Position).await;
    let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
    let mut pages = Vec::new();
    all(&mut listing, |page| pages.push(page.len())).await;
    assert_eq!(pages, [10]);
    assert_eq!(peer.client.requests(), 1);
    let peer = Queue::default().serve(Paging::Cursor).await;
    let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
    assert_eq!(all(&mut listing, |_| ()).await, [0; 0]);
    assert_eq!(peer.client.requests(), 1);
}

#[tokio::test]
async fn an_empty_page_stands_between_rounds() {
    let queue = Queue::of(1..=25);
    let peer = queue.serve(Paging::Cursor).await;
    let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
    let mut pages = Vec::new();
    let mut given = Vec::new();
    all(&mut listing, |page| {
        pages.push(page.len());
        given.extend_from_slice(page);
        if page.is_empty() {
            queue.leave(&given);
        }
    })
    .await;
    assert_eq!(pages, [10, 10, 5, 0]);
    // With everything gone, one page is enough to be sure.
    assert_eq!(peer.client.requests(), 4);
}

#[tokio::test]
async fn many_data_units_are_asked_for_in_short_requests() {
    for paging in [Paging::Position, Paging::Cursor] {
        let queue = Queue::of(1..=1000);
        let peer = queue.serve(paging).await;
        let filter = TaskFilter {
            // Some are not at the stage, and some are asked for twice.
            data_hashes: (900..=1200)
                .chain(1..=2)
                .chain(1..=2)
                .map(Uuid::from_u128)
                .collect(),
            statuses: vec!["NEW".to_owned(), "RELEASED".to_owned()],
            ..TaskFilter::default()
        };
        let mut listing = peer.client.tasks(PROJECT, STAGE, filter);
        let mut given = all(&mut listing, |page| queue.leave(page)).await;
        given.sort_unstable();
        let expected: Vec<_> = (1..=2).chain(900..=1000).collect();
        assert_eq!(given, expected, "{paging:?}");
        for request in peer.received() {
            assert!(request.target.len() < 5900, "{}", request.target.len());
            assert_eq!(request.parameters("statuses"), ["NEW", "RELEASED"]);
        }
    }
}

#[test]
fn every_filter_has_its_parameter() {
    let filter = TaskFilter {
        user_emails: vec!["a+b@c.d".to_owned()],
        data_hashes: vec![STAGE],
        dataset_hashes: vec![PROJECT],
        data_title_contains: Some("a b/c+d&é".to_owned()),
        statuses: vec!["NEW".to_owned(), "ASSIGNED".to_owned()],
    };
    assert_eq!(
        filter.query(Some("x==")),
        format!(
            "userEmails=a%2Bb%40c.d&dataHashes={STAGE}&datasetHashes={PROJECT}&dataTitleContains=a+b%2Fc%2Bd%26%C3%A9\
             &statuses=NEW&statuses=ASSIGNED&pageToken=x%3D%3D"
        )
    );
    assert_eq!(TaskFilter::default().query(None), "");
}

#[test]
fn any_long_list_is_split() {
    let emails = |count: u32| {
        (0..count)
            .map(|number| format!("{number}@example.com"))
            .collect()
    };
    let filter = TaskFilter {
        user_emails: emails(500),
        data_hashes: (0..500).map(Uuid::from_u128).collect(),
        ..TaskFilter::default()
    };
    let parts = split(filter);
    let mut pairs = HashSet::new();
    for part in &parts {
        assert!(part.query(None).len() <= LONGEST_QUERY);
        for email in &part.user_emails {
            for hash in &part.data_hashes {
                assert!(
                    pairs.insert((email.clone(), *hash)),
                    "each pair is in one part"
                );
            }
        }
    }
    assert_eq!(pairs.len(), 500 * 500);
    let title = TaskFilter {
        data_title_contains: Some("x".repeat(9000)),
        ..TaskFilter::default()
    };
    assert_eq!(split(title.clone()), [title]);
}

#[tokio::test]
async fn a_failed_page_is_asked_for_again_and_a_circle_is_given_up() {
    let page = |task: u128, next: &str| {
        let task = json!({"uuid": Uuid::from_u128(task), "dataHash": Uuid::from_u128(task)});
        ok(&json!({"results": [task], "nextPageToken": next}).to_string())
    };
    let refused = crate::encord::peer::refusal(403, "not now");
    let peer = Peer::start([page(1, "a"), refused, page(2, "b"), page(3, "b")]).await;
    let mut listing = peer.client.tasks(PROJECT, STAGE, TaskFilter::default());
    listing.next_page().await.expect("a page");
    let error = listing.next_page().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Authorisation);
    listing.next_page().await.expect("the same page");
    let error = listing.next_page().await.expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let tokens: Vec<_> = peer
        .received()
        .iter()
        .map(|request| request.parameters("pageToken").join(""))
        .collect();
    assert_eq!(tokens, ["", "a", "a", "b"]);
}
